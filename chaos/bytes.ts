/**
 * What a witness prints: bytes that follow from job, attempt and stream alone, every value among them, NUL and broken
 * UTF-8 included. `witness.mjs` has its own copy of these lines, as it runs where nothing of ours can be imported.
 */
import { hash } from './random.ts'

export function bytesOf(key: string, length: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4)
  let x = hash(key) || 1
  for (let i = 0; i < length; i += 4) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    bytes.writeInt32LE(x | 0, i)
  }
  return bytes.subarray(0, length)
}

export const streamKey = (tag: string, attempt: number, stream: 'stdout' | 'stderr'): string =>
  `${tag}/${attempt}/${stream}`
