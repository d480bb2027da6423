import { isIPv6 } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/app-error.ts'

/** The address that a client on this machine uses. */
export async function listenHttp(app: FastifyInstance, at: { host: string; port: number }): Promise<string> {
  try {
    await app.listen({ host: at.host, port: at.port })
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, at)
  }
  const address = app.addresses()[0]
  const any = at.host === '0.0.0.0' || at.host === '::'
  const host = any ? '127.0.0.1' : isIPv6(at.host) ? `[${at.host}]` : at.host
  const port = typeof address === 'object' ? address.port : at.port
  return `http://${host}:${port}`
}

function explain(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): unknown {
  const where = `${host} port ${port}`
  const because: Record<string, string> = {
    EADDRINUSE: `${where} is in use: stop what listens there, or choose another with --port`,
    EACCES: `this user may not listen on ${where}: choose a port of 1024 or above with --port`,
    EADDRNOTAVAIL: `${host} is no address of this machine: choose another with --host`,
    ENOTFOUND: `${host} is not known: choose another with --host`,
  }
  const message = because[error.code ?? '']
  return message === undefined ? error : new AppError('failed_precondition', message, { cause: error })
}
