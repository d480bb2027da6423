/** What a run is given by hand: JSON as it is typed, or the bytes of a file. */
import { readJson } from './edit/read-json.ts'

export interface RunInput {
  from: 'json' | 'file'
  text: string
  file: File | null
  /** Content type of the file, as the browser guessed it or somebody wrote it. */
  type: string
}

export const noInput: RunInput = { from: 'json', text: '', file: null, type: '' }

/** What the API takes. */
export const largestFile = 1024 * 1024

/** Why it cannot be sent; undefined: it can. */
export function inputProblem({ from, text, file }: RunInput): string | undefined {
  if (from === 'json') return readJson(text).error
  if (!file) return 'is required: choose a file, or give JSON'
  if (file.size === 0) return 'is empty'
  return file.size > largestFile ? `has ${file.size.toLocaleString()} bytes, at most 1 MiB can be sent here` : undefined
}

export interface SentInput {
  input?: unknown
  input_base64?: string
  input_type?: string
}

export async function sentInput({ from, text, file, type }: RunInput): Promise<SentInput> {
  if (from === 'json') {
    const { value } = readJson(text)
    return value === undefined ? {} : { input: value }
  }
  return {
    input_base64: base64(new Uint8Array(await file!.arrayBuffer())),
    input_type: type.trim() || 'application/octet-stream',
  }
}

/** As many arguments as any browser takes. */
const piece = 0x2000

export function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += piece) text += String.fromCharCode(...bytes.subarray(at, at + piece))
  return btoa(text)
}
