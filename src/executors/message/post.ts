/** One POST of JSON to an address that somebody configured: bounded in time and size, and never redirected. */
import { oneLine, type Answer } from './sending.ts'

const timeoutMs = 15_000
const mostRead = 64 * 1024
/** Longer answers are cut in the log, and shorter in the outcome. */
const shownInLog = 2000
const shownInOutcome = 300

export interface Post {
  url: string
  body: string
  /** The first are anybody's, the last are ours and stand. */
  headers?: Record<string, string>[]
  signal: AbortSignal
  say(line: string): void
  timeoutMs?: number
}

export async function post({ url, body, headers = [], signal, say, ...options }: Post): Promise<Answer> {
  const target = new URL(url)
  const within = options.timeoutMs ?? timeoutMs
  say(`POST to ${target.protocol}//${target.host}, ${Buffer.byteLength(body)} bytes`)
  const since = performance.now()
  try {
    const response = await fetch(withoutCredentials(target), {
      method: 'POST',
      // Elsewhere is not where an administrator said, and the body and its signature are meant for that one alone.
      redirect: 'manual',
      headers: headersFor(target, headers),
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(within)]),
    })
    const text = await readSome(response)
    const status = `${response.status} ${oneLine(response.statusText, 60)}`.trim()
    say(
      `answered ${status} after ${Math.round(performance.now() - since)} ms: ${oneLine(text, shownInLog) || '(nothing)'}`,
    )
    return judge(response, [status, oneLine(text, shownInOutcome)].filter(Boolean).join(': '))
  } catch (error) {
    if (signal.aborted) throw error
    const why = `${target.host} ${reasonOf(error, within)}`
    say(why)
    return { result: 'failed', text: why }
  }
}

/** `fetch` refuses an address with a name and a password in it, and says the address in its refusal. */
function withoutCredentials(target: URL): URL {
  const plain = new URL(target)
  plain.username = ''
  plain.password = ''
  return plain
}

/** Set one by one: names that differ in case alone would be sent as one header with both values. */
function headersFor(target: URL, given: Record<string, string>[]): Headers {
  const ours = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Runyard' }
  const headers = new Headers()
  for (const some of [credentialsOf(target), ...given, ours]) {
    for (const [name, value] of Object.entries(some)) headers.set(name, value)
  }
  return headers
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

async function readSome(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    parts.push(part)
    size += part.length
    if (size >= mostRead) break // leaving the loop cancels the rest
  }
  return Buffer.concat(parts).subarray(0, mostRead).toString()
}

function judge({ status, headers }: Response, text: string): Answer {
  if (status >= 200 && status < 300) return { result: 'sent', text }
  if (status >= 300 && status < 400) {
    return { result: 'refused', text: `${text}; redirects are not followed: give the channel the final address` }
  }
  const retryAfterMs = status === 429 || status === 503 ? patience(headers.get('retry-after')) : undefined
  const passing = status >= 500 || status === 408 || status === 429
  return { result: passing ? 'failed' : 'refused', text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** Seconds, or a date. */
function patience(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** The message of a failed `fetch` may have the address in it; its cause has a code. */
function reasonOf(error: unknown, withinMs: number): string {
  const { name, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError') return `did not answer within ${withinMs / 1000} s`
  const code = cause?.code
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'was not found: no such host name'
  if (code === 'ECONNREFUSED') return 'refused the connection'
  return `could not be reached (${code ?? cause?.message ?? name})`
}
