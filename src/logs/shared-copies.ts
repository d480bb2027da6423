/** Logs of the shared store for a backup. */
import { AppError } from '../lib/app-error.ts'
import type { BlobStore } from './blobs/blob-store.ts'
import { sharedLogName } from './shared-logs.ts'
import type { StoredCopies } from './stored-copies.ts'

const chunkBytes = 1024 * 1024

export function readSharedCopies(blobs: BlobStore): StoredCopies {
  return {
    async open(attemptKey) {
      const name = sharedLogName(attemptKey)
      const found = await blobs.stat(name)
      if (found === null) return null
      const { size } = found
      return {
        kind: 'sealed',
        size,
        async *chunks() {
          for (let at = 0; at < size;) {
            const bytes = await blobs.get(name, at, Math.min(chunkBytes, size - at))
            // Its place in the archive has its size already.
            if (bytes === null || bytes.length === 0) {
              throw new AppError(
                'unavailable',
                `the log ${attemptKey} was removed from ${blobs.shown} meanwhile: try again`,
              )
            }
            at += bytes.length
            yield bytes
          }
        },
        async close() {},
      }
    },
  }
}
