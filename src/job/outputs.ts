/**
 * Small results: what a job wrote into the file that `RUNYARD_OUTPUT` names, `name=value` on a line, or
 *
 *   name<<EOF
 *   several lines
 *   EOF
 *
 * The last value of a name stays. A line that says nothing of this kind is told of and changes nothing.
 */
export const outputLimits = {
  values: 100,
  valueBytes: 32 * 1024,
  totalBytes: 256 * 1024,
  /** Of the file as it is: names and marks come on top. */
  fileBytes: 512 * 1024,
} as const

export type Outputs = Record<string, string>

export interface ParsedOutputs {
  values: Outputs
  /** For the user. */
  notes: string[]
}

/** Those that begin with `runyard.` are what a run of an event leaves when its helpers find no way to the socket. */
const names = String.raw`[A-Za-z_][A-Za-z0-9_-]{0,63}|runyard\.(?:output|condition|variable\.[A-Za-z_][A-Za-z0-9_.-]{0,127})`
export const outputName = new RegExp(`^(?:${names})$`)
const assignment = new RegExp(`^(${names})(=|<<)(.*)$`, 's')
const markPattern = /^[A-Za-z0-9_.-]{1,64}$/
const mostNotes = 5
const longest = 60

const shortened = (line: string): string => JSON.stringify(line.length > longest ? `${line.slice(0, longest)}…` : line)

export function parseOutputs(file: Uint8Array): ParsedOutputs {
  const notes: string[] = []
  const note = (text: string): void => {
    if (notes.length < mostNotes) notes.push(text)
    else if (notes.length === mostNotes) notes.push('further mistakes in its outputs')
  }
  const text = textOf(file)
  if (text === null) return { values: {}, notes: ['its outputs are not UTF-8 text: none was taken'] }
  const values = new Map<string, string>()
  let total = 0
  const set = (name: string, value: string): void => {
    const bytes = Buffer.byteLength(value)
    const before = Buffer.byteLength(values.get(name) ?? '')
    if (value.includes('\0')) note(`output ${name} has a NUL character: left out`)
    else if (bytes > outputLimits.valueBytes) note(`output ${name} has ${bytes} bytes, more than 32 KiB: left out`)
    else if (total - before + bytes > outputLimits.totalBytes)
      note(`output ${name} makes all more than 256 KiB: left out`)
    else if (!values.has(name) && values.size >= outputLimits.values)
      note(`output ${name} is one more than 100: left out`)
    else {
      values.set(name, value)
      total += bytes - before
    }
  }
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (line === '') continue
    const [, name, kind, rest = ''] = assignment.exec(line) ?? []
    if (name === undefined) note(`output line ${at + 1} is no name=value: ${shortened(line)}`)
    else if (kind === '=') set(name, rest)
    else if (!markPattern.test(rest)) note(`output line ${at + 1} names no mark after <<, e.g. ${name}<<EOF`)
    else {
      const end = lines.indexOf(rest, at + 1)
      if (end < 0) {
        note(`output ${name} has no line ${rest} at its end: left out`)
        break
      }
      set(name, lines.slice(at + 1, end).join('\n'))
      at = end
    }
  }
  return { values: Object.fromEntries(values), notes }
}

function textOf(file: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file)
  } catch {
    return null
  }
}
