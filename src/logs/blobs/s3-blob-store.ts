/** Blobs in a bucket of S3, or of what speaks its protocol. A large blob goes up in parts, a few of them in memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { S3mini } from 's3mini'
import type { LogStorePlace } from '../../config/log-store-url.ts'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { createAtMost } from '../../lib/at-most.ts'
import { checkBlobName, misconfigured, storeAway, type Blob, type BlobStore } from './blob-store.ts'

export interface S3Options extends Omit<Extract<LogStorePlace, { kind: 's3' }>, 'kind'> {
  /** Of one request: a part is sent in that time, or tried again. */
  timeoutMs?: number
  /** The first pause after a failure; each further one is twice as long. */
  pauseMs?: number
}

/** The least that S3 takes is 5 MiB, and of parts at most 10,000. */
const leastPart = 8 * 1024 * 1024
const mostParts = 10_000
const partsAtOnce = 3
/** Blobs that go up in parts at a time: each holds `partsAtOnce` and one more. */
const largeAtOnce = 3
const requestsAtOnce = 32
const tries = 4
const perPage = 1000

export function createS3BlobStore(options: S3Options): BlobStore {
  const { endpoint, region, prefix, accessKeyId, secretAccessKey, shown, timeoutMs = 30_000, pauseMs = 250 } = options
  const s3 = new S3mini({ endpoint, region, accessKeyId, secretAccessKey, requestAbortTimeout: timeoutMs })
  const atOnce = createAtMost(requestsAtOnce)
  const largeInTurn = createAtMost(largeAtOnce)
  const keyOf = (name: string): string => {
    checkBlobName(name)
    return prefix === '' ? name : `${prefix}/${name}`
  }

  /** Null: it says that there is no such thing. Tried again while that may help. */
  const ask = async <T>(work: () => Promise<T>): Promise<T | null> => {
    for (let tried = 1; ; tried++) {
      try {
        return await atOnce(work)
      } catch (error) {
        const status = statusOf(error)
        if (status === 404 && codeOf(error) !== 'NoSuchBucket') return null
        const mayHelp = status === undefined || status >= 500 || status === 429 || status === 408
        if (!mayHelp || tried === tries) throw inWords(error, status)
        await sleep(pauseMs * 2 ** (tried - 1) * (0.5 + Math.random()))
      }
    }
  }

  const inWords = (error: unknown, status: number | undefined): AppError => {
    if (error instanceof AppError) return error
    if (status === undefined) return storeAway(shown, `does not answer: ${networkWords(error)}`, error)
    const code = codeOf(error)
    if (status === 404) return storeAway(shown, 'has no such bucket: make it, or correct RUNYARD_LOG_STORE', error)
    if (status === 401 || status === 403) {
      return storeAway(shown, `refuses us (${code ?? status}): check KEY:SECRET and region in RUNYARD_LOG_STORE`, error)
    }
    return storeAway(shown, `answers ${status}${code ? ` (${code})` : ''}`, error)
  }

  const must = async <T>(work: () => Promise<T>): Promise<T> => {
    const answer = await ask(work)
    if (answer === null) throw storeAway(shown, 'has lost a part of an upload')
    return answer
  }

  const putInParts = async (key: string, blob: Blob): Promise<void> => {
    const partBytes = Math.max(leastPart, Math.ceil(blob.size / mostParts))
    const upload = await must(() => s3.getMultipartUploadId(key))
    try {
      const parts = await eachPart(blob, partBytes, (bytes, number) =>
        must(() => s3.uploadPart(key, upload, bytes, number)),
      )
      await must(() => s3.completeMultipartUpload(key, upload, parts))
    } catch (error) {
      await s3.abortMultipartUpload(key, upload).catch(() => {}) // the bucket's own rules clean up what stays
      throw error
    }
    // The answer to the last request is 200 also when it failed.
    const size = await sizeOf(key)
    if (size !== blob.size) throw storeAway(shown, `has ${size ?? 'none'} of ${blob.size} bytes of a blob`)
  }

  const sizeOf = (key: string): Promise<number | null> => ask(() => s3.getContentLength(key))

  return {
    shown,
    async put(name, blob) {
      const key = keyOf(name)
      if (blob.size > leastPart) return largeInTurn(() => putInParts(key, blob))
      const bytes = await gathered(blob)
      await must(() => s3.putObject(key, bytes))
    },
    async get(name, offset, length) {
      const key = keyOf(name)
      if (length <= 0) return (await sizeOf(key)) === null ? null : Buffer.alloc(0)
      return ask(async () => {
        try {
          const response = await s3.getObjectRaw(key, false, offset, offset + length)
          return await bodyOf(response, offset, length)
        } catch (error) {
          if (statusOf(error) === 416) return Buffer.alloc(0)
          throw error
        }
      })
    },
    async stat(name) {
      const size = await sizeOf(keyOf(name))
      return size === null ? null : { size }
    },
    async delete(name) {
      const key = keyOf(name)
      await ask(() => s3.deleteObject(key))
    },
    async *list(folder = '') {
      if (folder !== '') checkBlobName(folder)
      const inside = [prefix, folder].filter(Boolean).map((part) => `${part}/`)
      for (let token: string | undefined; ;) {
        const page = await must(() => s3.listObjectsPaged('/', inside.join(''), perPage, token))
        if (!page) throw inWords(null, 404)
        for (const { Key, Size } of page.objects ?? []) {
          yield { name: prefix === '' ? Key : Key.slice(prefix.length + 1), size: Number(Size) }
        }
        token = page.nextContinuationToken
        if (token === undefined) return
      }
    },
    async check() {
      try {
        const page = await ask(() => s3.listObjectsPaged('/', `${prefix === '' ? '' : `${prefix}/`}logs/`, 1))
        if (!page) throw inWords(null, 404)
      } catch (error) {
        if (!isAppError(error)) throw error
        const status = statusOf(error.cause)
        const ours = error.cause === null || (status !== undefined && status < 500 && status !== 429)
        throw ours ? misconfigured(error) : error
      }
    },
  }
}

interface S3Fault {
  status?: number
  code?: string
  cause?: unknown
}

/** Undefined: no answer came at all. */
function statusOf(error: unknown): number | undefined {
  for (let at = error as S3Fault | undefined, depth = 0; at && depth < 4; at = at.cause as S3Fault, depth++) {
    if (typeof at.status === 'number' && at.status > 0) return at.status
  }
  return undefined
}

function codeOf(error: unknown): string | undefined {
  for (let at = error as S3Fault | undefined, depth = 0; at && depth < 4; at = at.cause as S3Fault, depth++) {
    if (typeof at.status === 'number' && typeof at.code === 'string') return at.code
  }
  return undefined
}

/** Never the error's own text: it may name the URL with its signature. */
function networkWords(error: unknown): string {
  for (let at = error as (Error & S3Fault) | undefined, depth = 0; at && depth < 5; at = at.cause as Error, depth++) {
    if (at.name === 'TimeoutError') return 'no answer in time'
    if (typeof at.code === 'string' && /^[A-Z_]+$/.test(at.code)) return at.code
  }
  return 'the connection failed'
}

/** A store may answer with all of it where a part was asked for: then it must be short. */
async function bodyOf(response: Response, offset: number, length: number): Promise<Buffer> {
  const whole = response.status === 200
  if (whole && Number(response.headers.get('content-length')) > leastPart) {
    await response.body?.cancel()
    throw new AppError('unavailable', 'the log store gives no parts of a blob: it must answer range requests')
  }
  const bytes = Buffer.from(await response.arrayBuffer())
  return whole ? bytes.subarray(offset, offset + length) : bytes.subarray(0, length)
}

async function gathered(blob: Blob): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of blob.chunks()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  if (bytes.length !== blob.size) throw new AppError('internal', `a blob has ${bytes.length} of ${blob.size} bytes`)
  return bytes
}

/** Sends a few parts at a time; reading waits for them. */
async function eachPart<T>(
  blob: Blob,
  partBytes: number,
  send: (bytes: Buffer, number: number) => Promise<T>,
): Promise<T[]> {
  const sent: Promise<T>[] = []
  const under = new Set<Promise<unknown>>()
  const put = async (bytes: Buffer): Promise<void> => {
    while (under.size >= partsAtOnce) await Promise.race(under)
    const one = send(bytes, sent.length + 1)
    one.catch(() => {}) // told when all are waited for, or by the race
    sent.push(one)
    const settled = one.finally(() => under.delete(settled))
    settled.catch(() => {})
    under.add(settled)
  }
  let waiting: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of blob.chunks()) {
      waiting.push(chunk)
      bytes += chunk.length
      if (bytes < partBytes) continue
      const all = Buffer.concat(waiting)
      for (let at = 0; at + partBytes <= all.length; at += partBytes) await put(all.subarray(at, at + partBytes))
      waiting = [all.subarray(all.length - (all.length % partBytes))]
      bytes = waiting[0]!.length
    }
    if (bytes > 0) await put(Buffer.concat(waiting))
    return await Promise.all(sent)
  } finally {
    await Promise.allSettled(sent)
  }
}
