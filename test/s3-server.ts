/** An S3 of its own on a free port, which checks signatures. Its key and secret are `S3RVER`. */
import { createRequire } from 'node:module'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSigned } from './s3-signature.ts'
import { removeScratch, scratchDir } from './scratch.ts'

export const s3Key = 'S3RVER'

export interface S3Server {
  port: number
  /** As `RUNYARD_LOG_STORE` has it. */
  url(prefix?: string, secret?: string): string
  /** Answers nothing until `back`. */
  away(): Promise<void>
  back(): Promise<void>
  close(): Promise<void>
}

interface Context {
  req: IncomingMessage
  status: number
  type: string
  body: string
}
interface S3rver {
  run(): Promise<AddressInfo>
  httpServer: Server
  middleware: ((context: Context, next: () => Promise<void>) => Promise<void> | void)[]
}

const require = createRequire(import.meta.url)
const S3rver = require('s3rver') as new (options: object) => S3rver

// Its tokens of further pages are made with DES, which OpenSSL 3 no longer has; three times the same key is the same.
const crypto = require('node:crypto') as Record<string, (name: string, key: Buffer, iv: Buffer) => unknown>
for (const name of ['createCipheriv', 'createDecipheriv'] as const) {
  const original = crypto[name]!
  crypto[name] = (cipher, key, ...rest) =>
    cipher === 'des'
      ? original('des-ede3-cbc', Buffer.concat([key, key, key]), ...rest)
      : original(cipher, key, ...rest)
}

/** It looks only at the key's name when a signature is of version 4. */
const checkSignature: S3rver['middleware'][number] = (context, next) => {
  if (isSigned(context.req, s3Key)) return next()
  context.status = 403
  context.type = 'application/xml'
  context.body = '<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>'
}

export async function s3Server(bucket = 'logs-of-runyard'): Promise<S3Server> {
  const directory = scratchDir('s3')
  let server: S3rver
  const start = async (port: number): Promise<number> => {
    const options = { address: '127.0.0.1', port, silent: true, directory, vhostBuckets: false }
    server = new S3rver({ ...options, configureBuckets: [{ name: bucket, configs: [] }] })
    server.middleware.unshift(checkSignature)
    const { port: taken } = await server.run()
    return taken
  }
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.httpServer.close(resolve))
    server.httpServer.closeAllConnections()
    await closed
  }
  const port = await start(0)
  return {
    port,
    url: (prefix = '', secret = s3Key) => `s3+http://${s3Key}:${secret}@127.0.0.1:${port}/${bucket}/${prefix}`,
    away: stop,
    back: async () => void (await start(port)),
    async close() {
      await stop().catch(() => {}) // it may be away
      removeScratch(directory)
    },
  }
}
