/** The body of an answer: unpacked, and within its caps of size and speed. */
import type { IncomingMessage } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Readable } from 'node:stream'

export class TooMuch extends Error {}

/** As curl's --speed-limit: slower than this for so long is a sender that drips. */
export const slowest = { bytesPerSecond: 100, overMs: 30_000 }

/** Pieces as they come. Throws TooMuch above `mostBytes`, of what was sent or of what it unpacks to. */
export async function* bodyOf(
  response: IncomingMessage,
  mostBytes: number,
  slow: typeof slowest = slowest,
): AsyncIterable<Uint8Array> {
  const unpack = unpacker(response.headers['content-encoding'])
  const source: Readable = unpack === null ? response : response.pipe(unpack)
  if (unpack !== null) response.once('error', (error) => unpack.destroy(error))
  let bytes = 0
  let since = performance.now()
  let sinceBytes = 0
  const watch = setInterval(
    () => {
      const now = performance.now()
      if (now - since < slow.overMs) return
      const rate = (bytes - sinceBytes) / ((now - since) / 1000)
      if (rate < slow.bytesPerSecond) {
        source.destroy(
          new TooMuch(`it came at ${Math.round(rate)} bytes a second for ${Math.round(slow.overMs / 1000)} s`),
        )
      }
      since = now
      sinceBytes = bytes
    },
    Math.min(1000, slow.overMs),
  )
  watch.unref()
  try {
    for await (const piece of source as AsyncIterable<Uint8Array>) {
      bytes += piece.length
      if (bytes > mostBytes) throw new TooMuch(`it is larger than ${mostBytes} bytes (max_response_bytes)`)
      yield piece
    }
    if (!response.complete) throw new Error('the connection was cut before its end')
  } finally {
    clearInterval(watch)
    source.destroy()
    response.destroy()
  }
}

function unpacker(encoding: string | undefined) {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return null
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'deflate':
      return createInflate()
    default:
      throw new TooMuch(`its encoding ${encoding} is unknown`)
  }
}
