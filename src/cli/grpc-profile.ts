/** A server that is spoken to over gRPC, and the certificate to show there; checked before anything is dialled. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { JobClient } from '../api/grpc/job-client.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { readFacts } from './instance/files.ts'

export interface CertificatePaths {
  cert: string
  key: string
  ca: string
}

export interface GrpcProfile {
  /** `host:port`. */
  server: string
  files: CertificatePaths
}

const exampleServer = '127.0.0.1:50051'
const defaultPort = 50_051

/** Where this machine's own server listens, or would. */
export async function grpcServerHere({ dataDir, grpcPort }: Pick<Config, 'dataDir' | 'grpcPort'>): Promise<string> {
  return (await readFacts(dataDir, 'server.json'))?.grpc ?? `127.0.0.1:${grpcPort || defaultPort}`
}

/** The key and the authority stand beside the certificate unless they are named. */
export const certificatePaths = (cert: string, named: { key?: string; ca?: string }): CertificatePaths => ({
  cert,
  key: named.key ?? `${cert.replace(/\.(?:crt|pem|cert)$/, '')}.key`,
  ca: named.ca ?? join(dirname(cert), 'ca.crt'),
})

/** One spelling per server. Undefined for an address of the web interface. */
export function grpcServer(text: string): string | undefined {
  if (/^https?:\/\//i.test(text)) return undefined
  const { host, port } = endpointOf(text.replace(/^grpcs?:\/\//i, '').replace(/\/$/, ''))
  return host.includes(':') ? `[${host}]:${port}` : `${host.toLowerCase()}:${port}`
}

function endpointOf(text: string): { host: string; port: number } {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]@]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = v6 ?? name
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host !== undefined && port > 0 && port < 65_536) return { host, port }
  throw new AppError('invalid_argument', `${text}: with a certificate the server is host:port, e.g. ${exampleServer}`)
}

export async function openProfile({ server, files }: GrpcProfile): Promise<JobClient> {
  const [cert, key, ca] = [
    await readPem(files.cert, '--cert'),
    await readKey(files.key),
    await readPem(files.ca, '--ca'),
  ]
  checkCertificate(files, cert, key)
  const { createJobClient } = await import('../api/grpc/job-client.ts')
  return createJobClient(endpointOf(server), { cert, key, ca })
}

async function readPem(file: string, flag: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('invalid_argument', `${flag}: cannot read ${file} (${cause.code})`, { cause })
  })
  if (text.includes('-----BEGIN ')) return text
  throw new AppError('invalid_argument', `${flag}: ${file} is no PEM file`)
}

async function readKey(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  if (found !== undefined && (found.mode & 0o077) !== 0) {
    throw new AppError('failed_precondition', `--key: others can read ${file}: chmod 600 ${file}`)
  }
  return readPem(file, '--key')
}

function checkCertificate(files: CertificatePaths, cert: string, key: string): void {
  const certificate = parsed(() => new X509Certificate(cert), `--cert: ${files.cert} is no certificate`)
  const privateKey = parsed(() => createPrivateKey(key), `--key: ${files.key} is no private key`)
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new AppError('invalid_argument', `--key: ${files.key} does not belong to ${files.cert}`)
  }
  const day = (date: Date): string => date.toISOString().slice(0, 10)
  const { validFromDate, validToDate } = certificate
  if (validToDate.getTime() < Date.now()) {
    throw new AppError(
      'unauthenticated',
      `--cert: ${files.cert} ended on ${day(validToDate)}: have another issued (runyard certs issue)`,
    )
  }
  if (validFromDate.getTime() > Date.now()) {
    throw new AppError(
      'unauthenticated',
      `--cert: ${files.cert} holds from ${day(validFromDate)} on; is the clock right?`,
    )
  }
}

function parsed<T>(parse: () => T, problem: string): T {
  try {
    return parse()
  } catch (cause) {
    throw new AppError('invalid_argument', problem, { cause })
  }
}
