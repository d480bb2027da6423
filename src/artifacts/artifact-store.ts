/**
 * The bytes of artefacts: blobs under names of ours, in the shared store or in this server's directory. A blob without
 * a row is of an upload that was cut off, and its name says how old it is.
 */
import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '../lib/app-error.ts'
import type { ArtifactFile } from '../job/artifacts.ts'
import type { BlobStore } from '../logs/blobs/blob-store.ts'

export interface ArtifactStore {
  readonly shown: string
  /** The blob's name, durable; nothing is kept of bytes that are not what `file` says. */
  put(file: ArtifactFile, bytes: AsyncIterable<Uint8Array>): Promise<string>
  /** Not ended early by a blob that is not there: that is an error. */
  read(blob: string, start: number, end: number): AsyncGenerator<Buffer>
  /** Idempotent. */
  remove(blob: string): Promise<void>
  list(): AsyncGenerator<StoredArtifact>
}

export interface StoredArtifact {
  blob: string
  /** When it began to be put. */
  at: Date
}

const folder = 'artifacts'
const readBytes = 1024 * 1024

const newBlobName = (at = new Date()): string => {
  const day = at.toISOString().slice(0, 10)
  return `${folder}/${day}/${at.getTime().toString(36)}-${randomBytes(12).toString('hex')}`
}

const timeOf = (blob: string): Date => new Date(parseInt(blob.slice(blob.lastIndexOf('/') + 1).split('-')[0]!, 36))

export function createArtifactStore(blobs: BlobStore): ArtifactStore {
  return {
    shown: blobs.shown,
    async put(file, bytes) {
      const name = newBlobName()
      let begun = false
      await blobs.put(name, {
        size: file.bytes,
        chunks() {
          if (begun) throw new AppError('unavailable', 'an upload cannot be read twice: it begins anew')
          begun = true
          return checked(file, bytes)
        },
      })
      return name
    },
    async *read(blob, start, end) {
      if (!blob.startsWith(`${folder}/`)) throw new AppError('invalid_argument', 'there is no such artefact')
      for (let at = start; at < end;) {
        const piece = await blobs.get(blob, at, Math.min(readBytes, end - at))
        if (piece === null || piece.length === 0) {
          throw new AppError('unavailable', `an artefact should be in ${blobs.shown} and is not there`)
        }
        yield piece
        at += piece.length
      }
    },
    remove: (blob) => blobs.delete(blob),
    async *list() {
      for await (const { name } of blobs.list(folder)) yield { blob: name, at: timeOf(name) }
    },
  }
}

/** Throws before the store takes the last of them for granted. */
async function* checked(file: ArtifactFile, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const sum = createHash('sha256')
  let length = 0
  for await (const piece of bytes) {
    length += piece.length
    if (length > file.bytes) break
    sum.update(piece)
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length)
  }
  if (length !== file.bytes)
    throw damaged(`has ${length > file.bytes ? 'more than' : `${length} of`} ${file.bytes} bytes`)
  if (sum.digest('hex') !== file.sha256) throw damaged('has another SHA-256 than was said')
}

/** Whoever sends it reads it again. */
const damaged = (what: string): AppError => new AppError('unavailable', `an artefact came damaged: it ${what}`)
