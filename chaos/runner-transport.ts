/** The runner port as a client of the rig's own reaches it, on the same machine. */
import net from 'node:net'
import type { Transport } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'

export const runnerTransport = (socketPath: string): Transport =>
  createGrpcTransport({
    baseUrl: 'http://runner',
    nodeOptions: { createConnection: () => net.connect(socketPath) },
    defaultTimeoutMs: 10_000,
  })
