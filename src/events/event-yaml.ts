/** An event as a YAML document: what is as it would be anyway is left out, so that it reads as somebody would write it. */
import { Document, isScalar, visit } from 'yaml'
import { eventDefinitionSchema, type EventDefinition, type EventStatus } from '../job/event.ts'

export interface WrittenEvent {
  name?: string
  status?: EventStatus
  shared?: boolean
  tags?: string[]
  definition: EventDefinition
}

export function eventYaml({ definition, ...about }: WrittenEvent): string {
  const document = new Document({ ...about, ...withoutDefaults(definition) }, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar(_, node) {
      // Scripts as blocks; lines of other texts are not folded either, so that a diff shows what was changed.
      if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\n')) node.type = 'BLOCK_LITERAL'
    },
  })
  return document.toString({ lineWidth: 0 })
}

/** Stands for what has no default: no event has it. */
const nobodys = '\u0007'

/** Of the same kind, with nothing said that need not be. */
function withoutDefaults(definition: EventDefinition): Record<string, unknown> {
  const { kind, ...rest } = definition
  const body = {
    script: nobodys,
    request: { url: nobodys },
    message: { channel: nobodys },
    pipeline: { name: nobodys },
  }
  const key = ({ http: 'request', message: 'message', pipeline: 'pipeline' } as const)[kind as 'http'] ?? 'script'
  const bare = eventDefinitionSchema.parse({ kind, [key]: body[key] }) as Record<string, unknown>
  const said = Object.entries(rest).flatMap(([name, value]) => {
    const left = name === 'schedules' || name === 'actions' || name === 'after' ? value : less(value, bare[name])
    const empty = left === undefined || (Array.isArray(left) && left.length === 0 && name !== 'input')
    return empty ? [] : [[name, left]]
  })
  return { kind, ...(Object.fromEntries(said) as Record<string, unknown>) }
}

/** Undefined: it is the default. Of an object, its fields that are not. */
function less(value: unknown, fallback: unknown): unknown {
  if (JSON.stringify(value) === JSON.stringify(fallback)) return undefined
  if (!isObject(value) || !isObject(fallback)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const left = less(inner, fallback[name])
      return left === undefined ? [] : [[name, left]]
    }),
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
