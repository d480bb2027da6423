/** The little of tar that a backup needs: plain files with short names (POSIX ustar, sizes beyond 8 GiB as GNU writes them). */
import { damaged } from './format.ts'

export const blockBytes = 512
const mostOctal = 0o77777777777

export interface TarHeader {
  name: string
  size: number
}

/** Zeros behind a file of this size. */
export const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes

export function encodeHeader({ name, size }: TarHeader, mtimeSeconds: number): Buffer {
  const header = Buffer.alloc(blockBytes)
  if (Buffer.byteLength(name) > 100) throw new RangeError(`too long a name for an entry: ${name}`)
  header.write(name, 0)
  octal(header, 100, 8, 0o600)
  octal(header, 108, 8, 0)
  octal(header, 116, 8, 0)
  if (size <= mostOctal) octal(header, 124, 12, size)
  else {
    header.writeUInt8(0x80, 124)
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  octal(header, 136, 12, mtimeSeconds)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  octal(header, 148, 7, checksum(header))
  header.write(' ', 155)
  return header
}

/** Null for the zeros that end an archive. */
export function decodeHeader(header: Buffer): TarHeader | null {
  if (header.every((byte) => byte === 0)) return null
  if (header.toString('latin1', 257, 262) !== 'ustar') throw damaged('an entry has no header')
  if (Number.parseInt(text(header, 148, 8), 8) !== checksum(header)) throw damaged('the sum of a header is wrong')
  if (header.toString('latin1', 156, 157) !== '0') throw damaged('an entry is no plain file')
  const size = header[124] === 0x80 ? Number(header.readBigUInt64BE(128)) : Number.parseInt(text(header, 124, 12), 8)
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('an entry has no size')
  return { name: text(header, 0, 100), size }
}

const octal = (header: Buffer, at: number, length: number, value: number): void =>
  void header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')

const text = (header: Buffer, at: number, length: number): string => {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end).trim()
}

/** Of all bytes, with the field of the sum itself read as spaces. */
function checksum(header: Buffer): number {
  let sum = 8 * 0x20
  for (let i = 0; i < blockBytes; i++) if (i < 148 || i >= 156) sum += header[i]!
  return sum
}
