import { parseDocument, stringify } from 'yaml'
import type { BatchBody } from './batch-form.ts'

export const toText = (body: unknown): string => stringify(body, { lineWidth: 100 })

export type ReadDocument = { body: BatchBody } | { error: string }

/** YAML, of which JSON is a part. Errors name the line. */
export function readText(text: string): ReadDocument {
  const doc = parseDocument(text, { prettyErrors: true })
  const [error] = doc.errors
  if (error) return { error: error.message.split('\n')[0]!.replace(/:$/, '') }
  const body: unknown = doc.toJS({ maxAliasCount: 100 })
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { error: 'A batch has fields: name, and jobs or a matrix with a job.' }
  }
  return { body: body as BatchBody }
}
