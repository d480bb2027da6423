import { Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import type { Draft } from './draft.ts'

/** What is so when nothing is said, and hence left out of the text. */
const defaults: Record<string, string> = {
  env: '{}',
  secrets: '{}',
  max_attempts: '1',
  reset_executions_on_activation: 'false',
  when_full: '"wait"',
  schedules: '[]',
  after: '[]',
  actions: '[]',
  incident_channels: '[]',
  job: '{}',
  timeouts: '{"setup_seconds":300,"cleanup_seconds":60}',
}

/** The event as a document, like its export: name, tags and what it does. */
export function yamlOf({ name, tags, shared, definition }: Draft): string {
  const said = Object.entries(definition).filter(
    ([key, value]) => value !== undefined && value !== null && JSON.stringify(value) !== defaults[key],
  )
  const document = new Document(
    {
      ...(name === '' ? {} : { name }),
      ...(shared ? { shared } : {}),
      ...(tags.length > 0 ? { tags } : {}),
      ...Object.fromEntries(said),
    },
    { aliasDuplicateObjects: false },
  )
  visit(document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\n')) node.type = 'BLOCK_LITERAL'
    },
  })
  return document.toString({ lineWidth: 0 })
}

export type ReadYaml = { draft: Draft } | { error: string }

/** What somebody typed; what belongs to no event the server refuses at its field. */
export function readYaml(text: string, before: Draft): ReadYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) return { error: `line ${lines.linePos(error.pos[0]).line}: ${error.message}` }
  const body: unknown = document.toJS({ maxAliasCount: 100 })
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { error: 'an event has fields: name, kind, …' }
  const { name, tags, shared, status: _, ...definition } = body as Record<string, unknown>
  return {
    draft: {
      name: typeof name === 'string' ? name : before.name,
      tags: Array.isArray(tags) ? tags.map(String) : [],
      shared: shared === true,
      definition: definition as EventDefinitionInput,
    },
  }
}
