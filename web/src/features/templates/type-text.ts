import type { JsonSchema } from '../editor/schema.ts'

/** `text`, `list of text`, `text or list of text`, `one of a, b`: the type of a field in a few words. */
export function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map(String).join(', ')}`
  const several = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null')
  if (several && several.length > 0) return [...new Set(several.map(typeText))].join(' or ')
  switch (schema.type) {
    case 'string':
      return schema.maxLength === undefined ? 'text' : `text, at most ${schema.maxLength.toLocaleString()} characters`
    case 'boolean':
      return 'true or false'
    case 'integer':
      return 'whole number'
    case 'number':
      return 'number'
    case 'array':
      return `list of ${schema.items ? typeText(schema.items) : 'anything'}`
    case 'object':
      return 'object'
    default:
      return 'any JSON'
  }
}
