/** Reads a backup from its beginning to its end once, and says so when a byte of it is not what was written. */
import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { isAppError } from '../lib/app-error.ts'
import { entryLine } from './archive-writer.ts'
import {
  damaged,
  endName,
  manifestName,
  notABackup,
  parseEnd,
  parseManifest,
  partOf,
  type End,
  type Manifest,
} from './format.ts'
import { blockBytes, decodeHeader, padding } from './tar.ts'

export interface Entry {
  name: string
  size: number
  /** To be read wholly or not at all. */
  chunks: AsyncGenerator<Buffer>
}

export interface ArchiveReader {
  manifest: Manifest
  /** What lies between the manifest and the end record; one that the consumer does not read is checked all the same. */
  entries(): AsyncGenerator<Entry>
  /** After the last entry: the end record. Only now is it sure that the backup is whole. */
  end(): End
  close(): void
}

const mostRecord = 64 * 1024 * 1024

export async function openArchive(from: Readable): Promise<ArchiveReader> {
  const bytes = decompressed(from)
  const sums = new Map<string, { hash: Hash; entries: number; bytes: number }>()
  let end: End | undefined

  const next = async (): Promise<{ name: string; size: number } | null> => decodeHeader(await bytes.take(blockBytes))

  /** The chunks of an entry, counted into the sum of its part. */
  async function* contents(name: string, size: number): AsyncGenerator<Buffer> {
    const part = partOf(name)
    const sum = sums.get(part) ?? { hash: createHash('sha256'), entries: 0, bytes: 0 }
    sums.set(part, sum)
    sum.entries += 1
    sum.bytes += size
    sum.hash.update(entryLine(name, size))
    for (let left = size; left > 0;) {
      const chunk = await bytes.some(left)
      sum.hash.update(chunk)
      left -= chunk.length
      yield chunk
    }
    await bytes.take(padding(size))
  }

  const record = async (name: string, size: number): Promise<Buffer> => {
    if (size > mostRecord) throw damaged(`${name} is too large`)
    const parts: Buffer[] = []
    for await (const chunk of contents(name, size)) parts.push(chunk)
    return Buffer.concat(parts)
  }

  const checkSums = (said: End): void => {
    for (const [part, { hash, entries, bytes: size }] of sums) {
      const expected = said.parts[part]
      const same = expected?.sha256 === hash.digest('hex') && expected.entries === entries && expected.bytes === size
      if (!same) throw damaged(`${part} is not what was written`)
    }
    const missing = Object.keys(said.parts).find((part) => !sums.has(part))
    if (missing !== undefined) throw damaged(`${missing} is missing`)
  }

  const first = await next().catch((error: unknown) => {
    bytes.close()
    throw isFrame(error) ? notABackup(error) : error
  })
  if (first?.name !== manifestName) {
    bytes.close()
    throw notABackup()
  }
  const manifest = parseManifest(await record(first.name, first.size))

  return {
    manifest,
    async *entries() {
      for (;;) {
        const header = await next()
        if (header === null) throw damaged('its end record is missing')
        if (header.name === endName) {
          if (header.size > mostRecord) throw damaged('its end record is too large')
          const said = parseEnd(await bytes.take(header.size))
          await bytes.rest()
          checkSums(said)
          end = said
          return
        }
        const chunks = contents(header.name, header.size)
        yield { ...header, chunks }
        for await (const _ of chunks);
      }
    },
    end() {
      if (!end) throw damaged('it was not read to its end')
      return end
    },
    close: () => bytes.close(),
  }
}

/** The first bytes are of no zstd frame at all, or there are too few of them to be of a backup. */
const isFrame = (error: unknown): boolean =>
  isAppError(error) && (error.cause as { code?: string } | undefined)?.code === 'ZSTD_error_prefix_unknown'

/** The decompressed bytes, taken in the sizes that one needs. */
function decompressed(from: Readable) {
  const zstd = createZstdDecompress({ chunkSize: 256 * 1024 })
  from.on('error', (error) => zstd.destroy(error))
  from.pipe(zstd)
  const source = zstd[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let held: Buffer = Buffer.alloc(0)
  let over = false

  const more = async (): Promise<boolean> => {
    try {
      const step = await source.next()
      if (step.done) over = true
      else held = held.length === 0 ? step.value : Buffer.concat([held, step.value])
      return !over
    } catch (error) {
      throw asDamage(error)
    }
  }

  return {
    async take(size: number): Promise<Buffer> {
      while (held.length < size) if (!(await more())) throw damaged('it ends too early')
      const taken = held.subarray(0, size)
      held = held.subarray(size)
      return taken
    },
    async some(most: number): Promise<Buffer> {
      while (held.length === 0) if (!(await more())) throw damaged('it ends too early')
      return this.take(Math.min(most, held.length))
    },
    /** To the end of the frame, where its own checksum is. */
    async rest(): Promise<void> {
      do held = Buffer.alloc(0)
      while (await more())
    },
    close(): void {
      from.unpipe(zstd)
      zstd.destroy()
      from.destroy()
    },
  }
}

function asDamage(error: unknown): unknown {
  const code = (error as { code?: string }).code ?? ''
  if (code === 'Z_BUF_ERROR') return damaged('it ends too early', error)
  return code.startsWith('ZSTD_error') ? damaged('its bytes are not what was written', error) : error
}
