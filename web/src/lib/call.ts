import { problemError } from './problem.ts'

/** Method and path of each procedure, in the contract's own tree. */
export interface Routes {
  [name: string]: Routes | [method: string, path: string]
}

interface CallOptions {
  signal?: AbortSignal
  context?: { idempotencyKey?: string }
}
type Call = (input?: Record<string, unknown>, options?: CallOptions) => Promise<unknown>

/**
 * A function for every route. It does what the contract library's own client does for this server, in 1 kB instead of
 * the 11 that every first visit would load.
 */
export function clientOf(routes: Routes, prefix: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(routes).map(([name, route]) => [
      name,
      Array.isArray(route) ? caller(route[0], prefix + route[1]) : clientOf(route, prefix),
    ]),
  )
}

const caller =
  (method: string, path: string): Call =>
  async (input = {}, { signal, context } = {}) => {
    const { url, rest } = fill(path, input)
    const inQuery = method === 'GET'
    const body = inQuery || (Object.keys(rest).length === 0 && method === 'DELETE') ? undefined : JSON.stringify(rest)
    const response = await fetch(url + (inQuery ? queryOf(rest) : ''), {
      method,
      signal,
      body,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(context?.idempotencyKey ? { 'idempotency-key': context.idempotencyKey } : {}),
      },
    })
    if (response.status === 204) return undefined
    const answer: unknown = await response.json().catch(() => undefined)
    if (!response.ok) throw problemError(answer, response.status, response.headers.get('retry-after') ?? undefined)
    return answer
  }

function fill(path: string, input: Record<string, unknown>) {
  const rest = { ...input }
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name]
    delete rest[name]
    return encodeURIComponent(String(value))
  })
  return { url, rest }
}

/** Lists as `state[0]=queued&state[1]=running`; what is undefined or null is left out. */
export function queryOf(values: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (Array.isArray(value)) value.forEach((item, index) => query.append(`${name}[${index}]`, String(item)))
    else if (value !== undefined && value !== null) query.append(name, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}
