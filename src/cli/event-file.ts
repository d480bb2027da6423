/** What one writes on the command line for an event: its YAML, its input. */
import { readFile } from 'node:fs/promises'
import { buffer as readBytes, text as readStream } from 'node:stream/consumers'
import { AppError } from '../lib/app-error.ts'

const wrong = (message: string, cause?: unknown): AppError => new AppError('invalid_argument', message, { cause })

/** `-` is stdin. */
export async function readYaml(path: string): Promise<string> {
  if (path === '-') return readStream(process.stdin)
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw wrong(
      cause.code === 'ENOENT' ? `${path}: there is no such file` : `${path}: cannot be read (${cause.code})`,
      cause,
    )
  })
}

interface GivenInput {
  input?: unknown
  input_base64?: string
  input_type?: string
}

/** As the API takes them. */
const mostInputBytes = 1024 * 1024
const jsonTypes = /^application\/([\w.+-]+\+)?json$/

/** JSON, or `@FILE` (`@-` is stdin): JSON when it is some and no other type is named, else its bytes. */
export async function readInput(given: string | undefined, type: string | undefined): Promise<GivenInput> {
  if (given === undefined) {
    if (type !== undefined) throw wrong('--type is of --input, which is missing')
    return {}
  }
  if (!given.startsWith('@')) {
    if (type !== undefined && !jsonTypes.test(type)) return bytesOf(Buffer.from(given), type)
    const value = jsonOf(given)
    if (value === undefined) throw wrong(`--input: is not JSON; a text is written '"text"', a file @FILE`)
    return { input: value.json }
  }
  const path = given.slice(1)
  const bytes = path === '-' ? await readBytes(process.stdin) : await bytesIn(path)
  const value = type === undefined || jsonTypes.test(type) ? jsonOf(bytes.toString()) : undefined
  if (value !== undefined) return { input: value.json }
  return bytesOf(bytes, type ?? 'application/octet-stream')
}

const bytesIn = (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw wrong(
      `--input @${path}: ${cause.code === 'ENOENT' ? 'there is no such file' : `cannot be read (${cause.code})`}`,
      cause,
    )
  })

function bytesOf(bytes: Buffer, type: string): GivenInput {
  if (bytes.length > mostInputBytes) throw wrong(`--input: ${bytes.length} bytes, at most ${mostInputBytes} (1 MiB)`)
  return { input_base64: bytes.toString('base64'), input_type: type }
}

function jsonOf(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
