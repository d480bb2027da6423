/** `{{secrets.NAME}}` in the texts of a request, where NAME is what the event calls the secret. Pure. */
import type { HttpRequest } from '../job/http-request.ts'
import { AppError } from '../lib/app-error.ts'

const place = /\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_.-]{0,254})\s*\}\}/g

/**
 * In one pass: what a secret holds is never looked at again. Throws `invalid_argument` for one that the event does not
 * list. `values` are by environment name; a secret's own name (`listed`: environment name → its name) does as well.
 */
export function fillSecrets(
  request: HttpRequest,
  values: Readonly<Record<string, string>>,
  listed: Readonly<Record<string, string>>,
): HttpRequest {
  const find = (name: string): string => {
    if (Object.hasOwn(values, name)) return values[name]!
    const [variable] = Object.entries(listed).find(([, secret]) => secret === name) ?? []
    if (variable !== undefined) return values[variable]!
    const message = `names secrets.${name}: list it under secrets of the event`
    throw new AppError('invalid_argument', `request: ${message}`, { fields: [{ field: 'request', message }] })
  }
  const { assert, ...texts } = request
  const filled = walk(texts, (text) => text.replaceAll(place, (_, name: string) => find(name))) as typeof texts
  // An expression: a secret in it would be read as a part of one, and stand in the words that it does not hold.
  return { ...filled, assert }
}

/** Names of secrets that its texts speak of. */
export function secretsIn(request: HttpRequest): string[] {
  const names = new Set<string>()
  walk(request, (text) => {
    for (const [, name] of text.matchAll(place)) names.add(name!)
    return text
  })
  return [...names]
}

function walk(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => walk(item, text))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, text)]))
}
