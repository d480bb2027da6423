import { isIPv6 } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../lib/app-error.ts'

/** The address that a client on this machine uses. */
export async function listenHttp(app: FastifyInstance, at: { host: string; port: number }): Promise<string> {
  try {
    await app.listen({ host: at.host, port: at.port })
  } catch (error) {
    throw whyNotListening(error as NodeJS.ErrnoException, at)
  }
  const address = app.addresses()[0]
  const port = typeof address === 'object' ? address.port : at.port
  return `http://${dialled({ host: at.host, port })}`
}

/** Of a listener, for a client on this machine. */
export function dialled({ host, port }: { host: string; port: number }): string {
  const any = host === '0.0.0.0' || host === '::'
  return `${any ? '127.0.0.1' : isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** In words that name the setting, where the address is what is wrong. */
export function whyNotListening(
  error: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
  flags = { host: '--host', port: '--port' },
): unknown {
  const where = `${host} port ${port}`
  const because: Record<string, string> = {
    EADDRINUSE: `${where} is in use: stop what listens there, or choose another with ${flags.port}`,
    EACCES: `this user may not listen on ${where}: choose a port of 1024 or above with ${flags.port}`,
    EADDRNOTAVAIL: `${host} is no address of this machine: choose another with ${flags.host}`,
    ENOTFOUND: `${host} is not known: choose another with ${flags.host}`,
  }
  const message = because[error.code ?? '']
  return message === undefined ? error : new AppError('failed_precondition', message, { cause: error })
}
