import { parseLogStore } from '../../config/log-store-url.ts'
import { AppError } from '../../lib/app-error.ts'
import type { BlobStore } from './blob-store.ts'
import { createDirectoryBlobStore } from './directory-blob-store.ts'

/** The store that `RUNYARD_LOG_STORE` names; the client for S3 is loaded only where it is used. */
export async function openBlobStore(setting: string): Promise<BlobStore> {
  const place = parseLogStore(setting)
  if ('problem' in place) throw new AppError('invalid_argument', `RUNYARD_LOG_STORE ${place.problem}`)
  if (place.kind === 'directory') return createDirectoryBlobStore(place.path, place.shown)
  const { createS3BlobStore } = await import('./s3-blob-store.ts')
  return createS3BlobStore(place)
}
