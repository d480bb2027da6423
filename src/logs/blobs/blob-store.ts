/**
 * The blob port: whole objects under names, put once and read by ranges. Two stores implement it, a directory and S3;
 * both pass `blob-store-conformance.ts`. Whatever keeps a store from its work is `unavailable`, in words: whoever wants
 * to put something still has it, and tries again.
 */
import { AppError } from '../../lib/app-error.ts'

export interface Blob {
  size: number
  /** From the beginning, each time it is called: a try that failed is made again. */
  chunks(): AsyncIterable<Buffer>
}

export interface StoredBlob {
  name: string
  size: number
}

export interface BlobStore {
  /** For people: where it is, without secrets. */
  readonly shown: string
  /** Durable when this resolves, and until then not there or what was there before. */
  put(name: string, blob: Blob): Promise<void>
  /** Fewer bytes than asked for only at the end. Null: there is no such blob. */
  get(name: string, offset: number, length: number): Promise<Buffer | null>
  stat(name: string): Promise<{ size: number } | null>
  /** Idempotent. */
  delete(name: string): Promise<void>
  /** In any order. `prefix` is whole folders: `logs/12`, or nothing for all. */
  list(prefix?: string): AsyncIterable<StoredBlob>
  /** `failed_precondition`: it cannot be used as it is configured. `unavailable`: it is away for the moment. */
  check(): Promise<void>
}

const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

/** Anything else never reaches a path or an URL. */
export function checkBlobName(name: string): void {
  if (name.length > 512 || !namePattern.test(name)) {
    throw new AppError(
      'invalid_argument',
      'the name of a blob is words of letters, digits, dot, - and _ between slashes',
    )
  }
}

export const blobOf = (bytes: Buffer): Blob => ({
  size: bytes.length,
  async *chunks() {
    yield bytes
  },
})

/** To be said at the start, where it is corrected; later the same is only a matter of time. */
export const misconfigured = (error: AppError): AppError =>
  new AppError('failed_precondition', `RUNYARD_LOG_STORE: ${error.message}`, { cause: error })

export const storeAway = (shown: string, why: string, cause?: unknown): AppError =>
  new AppError('unavailable', `the log store ${shown} ${why}`, { retryAfterSeconds: 5, cause })
