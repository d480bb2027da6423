import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'
export const publicIdPattern = /^[0-9a-z]{12}$/

/** A job's public id: 12 characters `[0-9a-z]` from the CSPRNG (62 bits), so ids cannot be guessed (seed 002). */
export function newPublicId(): string {
  let id = ''
  while (id.length < 12) {
    for (const byte of randomBytes(16)) {
      if (byte < 252 && id.length < 12) id += alphabet[byte % 36] // 252 = 7 * 36: no modulo bias
    }
  }
  return id
}
