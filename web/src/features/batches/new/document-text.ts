import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, stringify, type Document } from 'yaml'
import type { BatchBody } from './batch-form.ts'

export const toText = (body: unknown): string => stringify(body, { lineWidth: 100 })

/**
 * `lineOf`: where a field of the server's answers stands, `jobs[3].env.A`; of one that is missing, of what it
 * would be in.
 */
export type ReadDocument = { body: BatchBody; lineOf: (field: string) => number | undefined } | { error: string }

/** YAML, of which JSON is a part. Errors name the line. */
export function readText(text: string): ReadDocument {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = doc.errors
  if (error) {
    const what = error.code === 'MULTIPLE_DOCS' ? 'a second document begins here; a batch is one' : error.message
    return { error: `line ${lines.linePos(error.pos[0]).line}: ${what}` }
  }
  const body: unknown = doc.toJS({ maxAliasCount: 100 })
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { error: 'A batch has fields: name, and jobs or a matrix with a job.' }
  }
  const lineOf = (field: string) => {
    const offset = offsetOf(doc, field)
    return offset === undefined ? undefined : lines.linePos(offset).line
  }
  return { body: body as BatchBody, lineOf }
}

function offsetOf(doc: Document, field: string): number | undefined {
  let node: unknown = doc.contents
  let offset: number | undefined
  for (const step of field.matchAll(/[^.[\]]+/g)) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step[0])
      if (!pair) break
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
      node = pair.value
    } else if (isSeq(node) && isNode(node.items[Number(step[0])])) {
      node = node.items[Number(step[0])]
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset
    } else break
  }
  return offset
}
