/** Where the servers of a runner are: the socket of this machine, or some that speak mutual TLS. */
import { isIP } from 'node:net'
import { AppError } from '../lib/app-error.ts'

export interface Endpoint {
  host: string
  port: number
}

/** PEM files, read again for each connection: what a renewal has written is taken up by itself. */
export interface CredentialFiles {
  cert: string
  key: string
  ca: string
}

export type ServerAddress =
  /** `beside`: the server that started us is just starting itself. */
  | { socketPath: string; beside?: boolean }
  | { servers: Endpoint[]; files: CredentialFiles }
  /** `pem`: the contents themselves, of a credential that is in no file. */
  | { servers: Endpoint[]; pem: CredentialFiles }

const defaultPort = 50_051

/** `host:port[,host:port…]`; IPv6 in brackets. */
export function parseServers(text: string, field = '--server'): Endpoint[] {
  const found = text.split(',').map((part) => parseServer(part.trim(), field))
  return found.filter((one, i) => found.findIndex((other) => sameEndpoint(one, other)) === i)
}

const sameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.host === b.host && a.port === b.port

function parseServer(text: string, field: string): Endpoint {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/[\]@]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = v6 ?? name
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6) || port < 1 || port > 65_535) {
    const hint = text.includes('://') ? ' (gRPC, so without http://)' : ''
    throw new AppError('invalid_argument', `${field}: "${text}" is not host:port${hint}`, {
      fields: [{ field, message: 'must be host:port, several with commas between them' }],
    })
  }
  return { host, port }
}

export const showEndpoint = ({ host, port }: Endpoint): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
