/** What two failures have in common: their errors without what differs from time to time. Pure. */
import { createHash } from 'node:crypto'

/** Longer errors differ in their ends by chance; the first lines say what it was. */
const longest = 400

/** A code says what failed, `answered 404, expected 2xx`; all other numbers are of one time. */
function codesKept(_all: string, code: string | undefined): string {
  return code ?? '<n>'
}

/**
 * Each pattern is linear: none has a repetition inside another. In this order, since an id may stand in a path and a
 * number in both.
 */
const cuts: readonly [RegExp, string | typeof codesKept][] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?/g, '<time>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b0x[0-9a-f]+\b/gi, '<hex>'],
  // An id of ours, or a hash: letters and digits mixed, so that a long word stays one.
  [/\b(?=[0-9a-z]{0,64}\d)(?=\d{0,64}[a-z])[0-9a-z]{12,64}\b/gi, '<id>'],
  [/"[^"\n]{0,200}"/g, '<text>'],
  [/'[^'\n]{0,200}'/g, '<text>'],
  [/`[^`\n]{0,200}`/g, '<text>'],
  // Of a path the first part says where; the rest is somebody's file.
  [/(^|[\s(=:])(\/[\w.-]{1,64})(?:\/[^\s:;,()]{1,400})/g, '$1$2/<path>'],
  [/(\b(?:answered|status|code|signal|HTTP(?:\/\d(?:\.\d)?)?)[ :=]{1,2}\d{1,5}\b|\b\dxx\b)|\d+(?:\.\d+)?/gi, codesKept],
  [/\s+/g, ' '],
]

export function normalise(error: string): string {
  const cut = cuts.reduce((text, [pattern, word]) => text.replaceAll(pattern, word as string), error.slice(0, 4000))
  return cut.trim().slice(0, longest)
}

/** Names of jobs that were made from one template, `shard 7 of 100`, are one. */
export const normaliseName = (name: string): string => normalise(name).slice(0, 120) || 'job'

export interface Failure {
  state: string
  exitCode: number | null
  pattern: string
}

/** Of failures of one source. */
export const fingerprintOf = ({ state, exitCode, pattern }: Failure): string =>
  createHash('sha256')
    .update(JSON.stringify([state, exitCode, pattern]))
    .digest('hex')
    .slice(0, 32)
