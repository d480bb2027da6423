/** Bytes of unknown length: small ones stay in memory, others go to disk, counted and summed on the way. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../lib/app-error.ts'
import { TooLarge } from './answer.ts'

export type Spooled =
  | { bytes: Buffer }
  /** `discard` when it has been sent, or will not be. */
  | { size: number; sha256: string; read(): AsyncIterable<Uint8Array>; discard(): Promise<void> }

export interface SpoolOptions {
  dir: string
  /** At most this much stays in memory. */
  inlineBytes: number
  mostBytes: number
  diskIsFull(): boolean
}

export async function spool(bytes: AsyncIterable<Buffer>, options: SpoolOptions): Promise<Spooled> {
  const { dir, inlineBytes, mostBytes, diskIsFull } = options
  const path = join(dir, randomUUID())
  const sum = createHash('sha256')
  const waiting: Buffer[] = []
  let size = 0
  let file: FileHandle | undefined
  const discard = (): Promise<void> => rm(path, { force: true })
  try {
    for await (const piece of bytes) {
      size += piece.length
      if (size > mostBytes) throw new TooLarge('resource_exhausted', `an output has at most ${mostBytes} bytes`)
      if (file === undefined && size <= inlineBytes) {
        waiting.push(piece)
        continue
      }
      if (diskIsFull()) throw new AppError('unavailable', 'the disk of this runner is full')
      if (file === undefined) {
        await mkdir(dir, { recursive: true, mode: 0o700 })
        file = await open(path, 'wx', 0o600)
      }
      for (const part of [...waiting.splice(0), piece]) {
        sum.update(part)
        await file.writeFile(part)
      }
    }
    if (file === undefined) return { bytes: Buffer.concat(waiting) }
    const read = (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: 256 * 1024 })
    return { size, sha256: sum.digest('hex'), read, discard }
  } catch (error) {
    if (file !== undefined) await discard()
    throw error
  } finally {
    await file?.close()
  }
}
