/** A batch document from a file or stdin: YAML or JSON by its content, with the place of every field. */
import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml'
import { AppError } from '../lib/app-error.ts'

export interface BatchFile {
  /** As it is shown in front of a line. */
  name: string
  body: Record<string, unknown>
  /** `file:line:col` of a field, or of the nearest thing around it that is there. */
  placeOf(field: string): string
}

/** A batch of 10,000 jobs is a few MB. */
const mostBytes = 64 * 1024 * 1024
/** An alias may stand for so many nodes in all: "billion laughs" ends here. */
const mostAliases = 100

export async function readBatchFile(path: string): Promise<BatchFile> {
  return parseBatchFile(await textOf(path), path === '-' ? 'stdin' : path)
}

async function textOf(path: string): Promise<string> {
  if (path === '-') {
    if (process.stdin.isTTY)
      throw new AppError('invalid_argument', 'nothing comes on stdin: name a file, or pipe one in')
    return readStream(process.stdin)
  }
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? String(cause)})`
    throw new AppError('invalid_argument', `${path}: ${why}`, { cause })
  }
}

/** Throws `invalid_argument` with the line of each mistake. */
export function parseBatchFile(text: string, name: string): BatchFile {
  if (text.length > mostBytes) throw new AppError('invalid_argument', `${name}: larger than 64 MiB`)
  const json = plainJson(text)
  // Places are asked for only when something is wrong.
  let read: ReturnType<typeof readYaml> | undefined
  const yaml = () => (read ??= readYaml(text, name))
  const body = json === undefined ? yaml().value() : json
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw wrong([`${name}:1:1: must be an object with name, jobs or matrix, …; see \`runyard batch submit --help\``])
  }
  return { name, body: body as Record<string, unknown>, placeOf: (field) => yaml().placeOf(field) }
}

/** What is JSON without a mistake need not be read as YAML: of 10,000 jobs 20 ms instead of 2 s. */
function plainJson(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  // A name that is given twice is written more often than it is there.
  let written = 0
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) written += 1
  let there = 0
  for (const stack = [value]; stack.length > 0;) {
    const node = stack.pop()
    if (typeof node !== 'object' || node === null) continue
    if (!Array.isArray(node)) there += Object.keys(node).length
    for (const inner of Object.values(node)) stack.push(inner)
  }
  return written === there ? value : undefined
}

function readYaml(text: string, name: string) {
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  // The library compares each name of a map with each other one: 17 s for 20,000 of them.
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, schema: 'core' } as const
  const document = parseDocument(text, options)
  const told = document.errors.map(
    ({ code, pos, message }) =>
      `${at(pos[0])}: ${code === 'MULTIPLE_DOCS' ? 'one document a file: a second begins here' : message}`,
  )
  const mistakes = told.length > 0 ? told : refusedNodes(document, at)
  if (mistakes.length > 0) throw wrong(mistakes)
  return {
    value: () => valueOf(document, name),
    placeOf: (field: string) => at(offsetOf(document.contents, field)),
  }
}

const wrong = (mistakes: string[]): AppError =>
  new AppError('invalid_argument', mistakes.slice(0, 20).join('\n'), {
    fields: mistakes.map((message) => ({ field: '', message })),
  })

/** What a tag would make of a value is for no reader to guess, and a name that is there twice hides one of its values. */
function refusedNodes(document: Document, at: (offset: number) => string): string[] {
  const found: string[] = []
  visit(document, {
    Node(_key, node) {
      if ('tag' in node && node.tag !== undefined) found.push(`${at(startOf(node))}: no tags here (${node.tag})`)
    },
    Map(_key, { items }) {
      const names = new Set<string>()
      for (const { key } of items) {
        if (!isScalar(key)) found.push(`${at(isNode(key) ? startOf(key) : 0)}: a name must be a text`)
        else if (names.has(String(key.value))) found.push(`${at(startOf(key))}: ${String(key.value)} is given twice`)
        else names.add(String(key.value))
      }
    },
  })
  return found
}

function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases })
  } catch (cause) {
    throw new AppError('invalid_argument', `${name}: ${(cause as Error).message}`, { cause })
  }
}

const startOf = (node: Node): number => node.range?.[0] ?? 0

/** Where the field stands: its name in a map, its entry in a list. */
function offsetOf(root: unknown, field: string): number {
  let node: unknown = root
  let offset = isNode(root) ? startOf(root) : 0
  for (let rest = field; rest !== '';) {
    const [step, after] = stepInto(node, rest)
    if (step === undefined) return offset
    offset = step.offset
    node = step.node
    rest = after
  }
  return offset
}

function stepInto(node: unknown, rest: string): [{ node: unknown; offset: number } | undefined, string] {
  const [bracket, digits = ''] = /^\[(\d+)\]\.?/.exec(rest) ?? []
  if (bracket !== undefined) {
    const item: unknown = isSeq(node) ? node.items[Number(digits)] : undefined
    return isNode(item) ? [{ node: item, offset: startOf(item) }, rest.slice(bracket.length)] : [undefined, '']
  }
  if (!isMap(node)) return [undefined, '']
  // A name may have dots itself: the longest that fits.
  const fitting = node.items
    .filter((pair) => isPair(pair) && isScalar(pair.key))
    .map((pair) => ({ pair, name: String((pair.key as { value: unknown }).value) }))
    .filter(({ name }) => rest === name || rest.startsWith(`${name}.`) || rest.startsWith(`${name}[`))
    .toSorted((a, b) => b.name.length - a.name.length)[0]
  if (fitting === undefined) return [undefined, '']
  const key = fitting.pair.key as Node
  return [{ node: fitting.pair.value, offset: startOf(key) }, rest.slice(fitting.name.length).replace(/^\./, '')]
}
