/** PEM: one block of base64 between two labelled lines. */
import { AppError } from '../lib/app-error.ts'

export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PRIVATE KEY'

export function pemOf(label: PemLabel, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** Every block of that label, in order; text around them is allowed, as `openssl` writes some. */
export function dersOfPem(label: PemLabel, pem: string): Buffer[] {
  const blocks = pem.matchAll(new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g'))
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}

/** The one block of that label; throws `invalid_argument` about `field` when there is none, or a second. */
export function derOfPem(label: PemLabel, pem: string, field: string): Buffer {
  const ders = dersOfPem(label, pem)
  if (ders.length === 1 && ders[0]!.length > 0) return ders[0]!
  const message = `must be one PEM block that begins with -----BEGIN ${label}-----`
  throw new AppError('invalid_argument', `${field} ${message}`, { fields: [{ field, message }] })
}
