/** The URL's search part as plain text (`?state=failed&queue=ci`), not as JSON: people read, type and share it. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text))
}

/**
 * What `read` found in the URL, and under `unknown` what it did not take, as `name=value`: a link with a filter that is
 * misspelt or not of this page would else show everything and look as if it had matched.
 */
export function withUnknown<T extends object>(
  search: Record<string, unknown>,
  read: T,
  alias: Record<string, keyof T> = {},
): T & { unknown?: string } {
  const taken = (name: string) => read[(alias[name] ?? name) as keyof T] !== undefined
  const left = Object.entries(search)
    .filter(([name, value]) => name !== 'unknown' && value !== undefined && value !== '' && !taken(name))
    .map(([name, value]) => `${name}=${String(value)}`)
  // The router reads an address more than once.
  const before = typeof search['unknown'] === 'string' && search['unknown'] !== '' ? search['unknown'].split(', ') : []
  const all = [...new Set([...before, ...left])].join(', ').slice(0, 200)
  return all === '' ? read : { ...read, unknown: all }
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') params.set(key, String(value))
  }
  // A comma is legal in a query and far easier to read than %2C.
  const text = params.toString().replaceAll('%2C', ',')
  return text === '' ? '' : `?${text}`
}
