/** Events written as YAML: each with its definition, or every mistake with its line and column. Pure. */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml'
import * as z from 'zod'
import {
  eventDefinitionSchema,
  eventName,
  eventStatuses,
  tag,
  type EventDefinition,
  type EventStatus,
} from '../job/event.ts'
import type { FieldProblem } from '../lib/app-error.ts'
import { fieldPath, problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import { parseYaml, type Place } from '../pipelines/parse-yaml.ts'

export interface ReadEvent {
  name: string
  /** What is not written is left as it is, or as a new event has it. */
  status?: EventStatus | undefined
  shared?: boolean | undefined
  tags?: string[] | undefined
  definition: EventDefinition
  /** Path of its place in the text, e.g. `events[1]`; empty for a single one. */
  path: string
}

export interface ReadEvents {
  events: ReadEvent[]
  problems: FieldProblem[]
}

/** In one text. */
export const mostEvents = 1000
/** Who wrote 90,000 looks at the first ones; each is looked up in the text. */
const mostProblems = 100

type Path = (string | number)[]

class Wrong extends Error {
  readonly at: number
  readonly path: Path
  constructor(message: string, at: number, path: Path) {
    super(message)
    this.at = at
    this.path = path
  }
}

const aboutSchema = z.strictObject({
  name: eventName,
  status: z.enum(eventStatuses).optional(),
  shared: z.boolean().optional(),
  tags: z.array(tag).max(20).optional(),
})

export function readEventYaml(text: string): ReadEvents {
  const { root, mistake, place } = parseYaml(text)
  const say = (at: number, field: string, message: string): FieldProblem => ({
    field,
    message: `${words(place(at))}: ${message}`,
  })
  if (mistake !== null) return { events: [], problems: [say(mistake.at, 'yaml', mistake.message)] }
  if (root === null) return { events: [], problems: [{ field: 'yaml', message: 'holds no event' }] }
  try {
    const document = valueOf(root, [])
    const listed = isRecord(document) && Object.hasOwn(document, 'events')
    const extra = listed ? Object.keys(document).filter((key) => key !== 'events') : []
    if (extra.length > 0)
      throw new Wrong('stands beside `events`, which is all that such a text has', startOf(root), [extra[0]!])
    const list = listed ? document.events : [document]
    if (!Array.isArray(list)) throw new Wrong('is a list of events', startOf(root), ['events'])
    if (list.length > mostEvents) throw new Wrong(`has at most ${mostEvents} events`, startOf(root), ['events'])
    const found: ReadEvents = { events: [], problems: [] }
    list.forEach((item: unknown, i) => {
      const path: Path = listed ? ['events', i] : []
      const read = readOne(item)
      if ('issues' in read) {
        const problems = problemsOf(
          read.issues.map((issue) => ({ ...issue, path: [...path, ...(issue.path ?? [])] }) as ZodIssue),
          (at) => JSON.stringify(at),
        )
        for (const { field, message } of problems.slice(0, mostProblems - found.problems.length)) {
          const at = JSON.parse(field) as Path
          found.problems.push(say(offsetOf(root, at), fieldPath(at) || 'yaml', message))
        }
      } else found.events.push({ ...read, path: fieldPath(path) })
    })
    return found
  } catch (error) {
    if (!(error instanceof Wrong)) throw error
    return { events: [], problems: [say(error.at, fieldPath(error.path) || 'yaml', error.message)] }
  }
}

function readOne(item: unknown): Omit<ReadEvent, 'path'> | { issues: ZodIssue[] } {
  const whole = z.looseObject({}).safeParse(item)
  if (!whole.success) return { issues: whole.error.issues as ZodIssue[] }
  const { name, status, shared, tags, ...rest } = whole.data
  const given = Object.entries({ name, status, shared, tags }).filter(([, value]) => value !== undefined)
  const about = aboutSchema.safeParse(Object.fromEntries(given))
  const definition = eventDefinitionSchema.safeParse(rest)
  if (about.success && definition.success) return { ...about.data, definition: definition.data }
  return { issues: [about, definition].flatMap(({ error }) => (error?.issues ?? []) as ZodIssue[]) }
}

const words = ({ line, column }: Place): string => `line ${line}, column ${column}`
const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const plainTags = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/

/** Plain values only: no anchors, which can mean a thousand times what is written, and no types of somebody's own. */
function valueOf(node: unknown, path: Path): unknown {
  const at = startOf(node)
  if (isAlias(node)) throw new Wrong('is an alias: write it out', at, path)
  const tagged = (node as { tag?: string } | null)?.tag
  if (tagged !== undefined && !plainTags.test(tagged)) throw new Wrong(`has the tag ${tagged}`, at, path)
  if (isSeq(node)) return node.items.map((item, i) => valueOf(item, [...path, i]))
  if (isMap(node)) {
    const entries: [string, unknown][] = []
    const seen = new Set<string>()
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : null
      if (name === null) throw new Wrong('has a key that is no plain text', startOf(key), path)
      if (name === '<<') throw new Wrong('merges: write it out', startOf(key), path)
      // As in JSON: whoever copies the object would give it another prototype.
      if (name === '__proto__') throw new Wrong('is not a known field', startOf(key), [...path, name])
      if (seen.has(name)) throw new Wrong('stands here twice', startOf(key), [...path, name])
      seen.add(name)
      entries.push([name, valueOf(value, [...path, name])])
    }
    return Object.fromEntries(entries)
  }
  const value = isScalar(node) ? node.value : null
  return typeof value === 'bigint' ? Number(value) : (value ?? null)
}

/** Of the value at that path, or of the nearest above it that is written. */
function offsetOf(root: Node, path: Path): number {
  let node: unknown = root
  let at = startOf(root)
  for (const part of path) {
    if (isSeq(node)) node = node.items[Number(part)]
    else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) return at
      at = startOf(pair.key)
      node = pair.value
      continue
    } else return at
    at = startOf(node)
  }
  return at
}
