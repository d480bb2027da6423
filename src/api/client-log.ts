import type { PlainFetch } from './client.ts'

export interface ReadLogRequest {
  jobId: string
  /** The newest when missing. */
  attempt?: number
  /** Default `all`: both in order of arrival. */
  stream?: 'stdout' | 'stderr' | 'all'
  offset?: number
  /** Bytes at most. */
  limit?: number
  signal?: AbortSignal
}

export interface LogRange {
  bytes: Buffer
  offset: number
  /** Bytes of the stream so far. */
  size: number
}

export async function readLog(plain: PlainFetch, request: ReadLogRequest): Promise<LogRange> {
  const query = new URLSearchParams({ stream: request.stream ?? 'all' })
  if (request.attempt !== undefined) query.set('attempt', String(request.attempt))
  const offset = request.offset ?? 0
  const ranged = offset > 0 || request.limit !== undefined
  const last = request.limit === undefined ? '' : String(offset + request.limit - 1)
  const response = await plain(`/jobs/${encodeURIComponent(request.jobId)}/logs?${query}`, {
    headers: ranged ? { range: `bytes=${offset}-${last}` } : {},
    signal: request.signal,
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
  return { bytes, offset, size: total === undefined ? offset + bytes.length : Number(total) }
}
