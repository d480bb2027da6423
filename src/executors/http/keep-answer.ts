/**
 * The body of an answer on its three ways: into the run's output, a first part into the log, and, while it is small, into
 * memory for the assertions. Memory stays bounded whatever comes.
 */
import type { InProcess } from '../in-process.ts'
import type { Answer } from './follow.ts'
import type { AttemptResults } from './results.ts'

export interface Kept {
  bytes: number
  headers: Record<string, string>
  /** Null: it was too large for that, or no text. */
  text: string | null
  json: unknown
}

/** What assertions can look into, and what becomes `{status, headers, body}`; above it the output is the body alone. */
const inMemory = 200 * 1024
const inLog = 64 * 1024

export async function keepAnswer(
  { response }: Answer,
  pieces: AsyncIterable<Uint8Array>,
  { results, print }: { results: AttemptResults } & Pick<InProcess, 'print'>,
): Promise<Kept> {
  const type = response.headers['content-type'] ?? 'application/octet-stream'
  const headers = plainHeaders(response.headers)
  const status = response.statusCode!
  const shown = isText(type)
  const head: Uint8Array[] = []
  let bytes = 0
  const iterator = pieces[Symbol.asyncIterator]()
  const next = async (): Promise<Uint8Array | null> => {
    const { done, value } = await iterator.next()
    if (done) return null
    if (shown && bytes < inLog) print('stdout', value.subarray(0, inLog - bytes))
    bytes += value.length
    return value
  }
  for (let piece = await next(); piece !== null; piece = await next()) {
    head.push(piece)
    if (bytes <= inMemory) continue
    await results.putOutput(type, chained(head, next))
    return { bytes, headers, text: null, json: null }
  }
  const whole = Buffer.concat(head)
  const text = shown || whole.length === 0 ? whole.toString() : null
  const json = isJson(type) && text !== null ? parsed(text) : null
  if (text === null)
    await results.putOutput(
      type,
      chained([whole], async () => null),
    )
  else {
    const body = json === null ? { body: text } : { json }
    await results.putOutput(
      'application/json',
      chained([Buffer.from(JSON.stringify({ status, headers, ...body }))], async () => null),
    )
  }
  return { bytes, headers, text, json }
}

async function* chained(head: Uint8Array[], next: () => Promise<Uint8Array | null>): AsyncIterable<Uint8Array> {
  yield* head
  for (let piece = await next(); piece !== null; piece = await next()) yield piece
}

const isJson = (type: string): boolean => /^application\/([a-z0-9.+-]*\+)?json\b/i.test(type)
const isText = (type: string): boolean =>
  isJson(type) ||
  /^text\//i.test(type) ||
  /^application\/([a-z0-9.+-]*\+)?(xml|javascript|x-www-form-urlencoded|yaml)\b/i.test(type)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const plainHeaders = (headers: NodeJS.Dict<string | string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      // A session of somebody else's server is nobody's output.
      value === undefined || name === 'set-cookie' ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
