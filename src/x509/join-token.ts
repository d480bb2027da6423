/**
 * What a machine needs to become a runner, in one line to paste: `ryj_` and base64url of
 *
 *   version u8 | servers | name | private key | certificate | number of authorities u8 | authority … | check 4
 *
 * where each part is its length (u16) and its bytes; keys and certificates are DER. The check is the beginning of the
 * SHA-256 of all before it: a line that was cut or mistyped says so, instead of failing somewhere in TLS.
 */
import { createHash } from 'node:crypto'
import { AppError } from '../lib/app-error.ts'
import { derOfPem, dersOfPem, pemOf } from './pem.ts'

export interface JoinToken {
  /** `host:port`, those to try. */
  servers: string[]
  /** The authorities that servers' certificates come from: one PEM block or several. */
  authorityPem: string
  /** Of the enrolment: it lets its holder enrol once, and nothing else. */
  certificatePem: string
  privateKeyPem: string
  /** The name that the runner has to have; null: any. */
  name: string | null
}

const prefix = 'ryj_'
const version = 1
const checkBytes = 4

export const looksLikeJoinToken = (text: string): boolean => text.trim().startsWith(prefix)

export function encodeJoinToken(token: JoinToken): string {
  const authorities = dersOfPem('CERTIFICATE', token.authorityPem)
  const body = Buffer.concat([
    Buffer.of(version),
    part(Buffer.from(token.servers.join(','))),
    part(Buffer.from(token.name ?? '')),
    part(derOfPem('PRIVATE KEY', token.privateKeyPem, 'key')),
    part(derOfPem('CERTIFICATE', token.certificatePem, 'certificate')),
    Buffer.of(authorities.length),
    ...authorities.map(part),
  ])
  return `${prefix}${Buffer.concat([body, checkOf(body)]).toString('base64url')}`
}

export function decodeJoinToken(text: string): JoinToken {
  const word = text.trim()
  if (!/^ryj_[A-Za-z0-9_-]+$/.test(word)) throw refused('is not a runner token: it begins with ryj_')
  const bytes = Buffer.from(word.slice(prefix.length), 'base64url')
  const body = bytes.subarray(0, -checkBytes)
  if (bytes.length <= checkBytes || !checkOf(body).equals(bytes.subarray(-checkBytes))) {
    throw refused('is cut off or mistyped: copy the whole line')
  }
  if (body[0] !== version) throw refused('is of a newer Runyard: install that version here')
  let at = 1
  const next = (): Buffer => {
    const end = at + 2 + (at + 2 <= body.length ? body.readUInt16BE(at) : 0)
    if (at + 2 > body.length || end > body.length) throw refused('is damaged: make a new one')
    const bytesOfPart = body.subarray(at + 2, end)
    at = end
    return bytesOfPart
  }
  const servers = next().toString().split(',')
  const name = next().toString()
  const privateKeyPem = pemOf('PRIVATE KEY', next())
  const certificatePem = pemOf('CERTIFICATE', next())
  const authorities = Array.from({ length: body[at++] ?? 0 }, () => pemOf('CERTIFICATE', next()))
  return { servers, name: name === '' ? null : name, privateKeyPem, certificatePem, authorityPem: authorities.join('') }
}

function part(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const checkOf = (body: Buffer): Buffer => createHash('sha256').update(body).digest().subarray(0, checkBytes)

function refused(message: string): AppError {
  return new AppError('invalid_argument', `the runner token ${message}`, { fields: [{ field: 'token', message }] })
}
