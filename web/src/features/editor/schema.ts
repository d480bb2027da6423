/** The part of JSON Schema that tools describe their input with. */
export interface JsonSchema {
  type?: string | string[]
  title?: string
  description?: string
  enum?: unknown[]
  default?: unknown
  maxLength?: number
  format?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
}

export type FieldLook = 'line' | 'text' | 'choice' | 'check' | 'number' | 'lines' | 'json'

/** Names whose texts have several lines, whatever their length may be. */
const long = /^(text|body|html|content|message|markdown)$/

/** How a value of a schema is best typed. */
export function lookOf(name: string, schema: JsonSchema): FieldLook {
  const one = simplest(schema)
  if (one.enum !== undefined) return 'choice'
  switch (one.type) {
    case 'string':
      return one.format === 'multiline' || long.test(name) ? 'text' : 'line'
    case 'boolean':
      return 'check'
    case 'number':
    case 'integer':
      return 'number'
    case 'array':
      return simplest(one.items ?? {}).type === 'string' ? 'lines' : 'json'
    default:
      return 'json'
  }
}

/** Of several that a value may be, the one that is easiest to type; null is never meant. */
function simplest(schema: JsonSchema): JsonSchema {
  const several = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null')
  if (!several || several.length === 0) return schema
  return several.find(({ type }) => type === 'array') ?? several[0]!
}

export const choicesOf = (schema: JsonSchema): string[] => (simplest(schema).enum ?? []).map(String)

/** `thread_ts` as a label: `Thread ts`. */
export function labelOf(name: string, { title }: JsonSchema): string {
  const words = name.replaceAll('_', ' ')
  return title ?? words.slice(0, 1).toUpperCase() + words.slice(1)
}
