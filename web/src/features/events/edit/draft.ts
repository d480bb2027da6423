import type { EventDefinitionInput, EventDetail, EventKind } from '../../../lib/api.ts'

/** An event as it is edited: what a version is made of, and what stands beside it. */
export interface Draft {
  name: string
  tags: string[]
  shared: boolean
  definition: EventDefinitionInput
}

const firstScripts = {
  bash: `source runyard.sh

input=$(runyard_input)
echo "Got: $input"

runyard_output '{"ok": true}'
`,
  python: `import runyard

data = runyard.input()
print("Got:", data)

runyard.output({"ok": True})
`,
  node: `const runyard = require('runyard')

const data = await runyard.input()
console.log('Got:', data)

await runyard.output({ ok: true })
`,
}

/** The least that an event of a kind consists of. */
export function bodyOf(kind: EventKind): Partial<EventDefinitionInput> {
  switch (kind) {
    case 'http':
      return { request: { method: 'GET', url: 'https://' } }
    case 'message':
      return { message: { channel: '', input: {} } }
    case 'pipeline':
      return { pipeline: { name: '' } }
    default:
      return { script: firstScripts[kind] }
  }
}

export const emptyDraft = (kind: EventKind): Draft => ({
  name: '',
  tags: [],
  shared: false,
  definition: { kind, ...bodyOf(kind) },
})

export const draftOf = ({ name, tags, shared, definition }: EventDetail): Draft => ({
  name,
  tags,
  shared,
  definition: withoutNothing(definition) as EventDefinitionInput,
})

/** The same with another kind: what all kinds have stays, and a script that somebody wrote is not thrown away. */
export function withKind(definition: EventDefinitionInput, kind: EventKind): EventDefinitionInput {
  const { script, request, message, pipeline, ...rest } = definition
  const bodies = { script, request, message, pipeline }
  const fresh = bodyOf(kind)
  const key = Object.keys(fresh)[0] as keyof typeof bodies
  const kept = key === 'script' ? (isFirstScript(script) ? undefined : script) : bodies[key]
  return { ...rest, kind, ...(kept === undefined ? fresh : { [key]: kept }) }
}

const isFirstScript = (script: string | undefined) =>
  script === undefined || script.trim() === '' || (Object.values(firstScripts) as string[]).includes(script)

/** A stored definition has `null` where nothing is said; a form leaves it out. */
const withoutNothing = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null))
    : value

export const sameDraft = (a: Draft, b: Draft): boolean => canonical(a) === canonical(b)
export const sameDefinition = (a: Draft, b: Draft): boolean => canonical(a.definition) === canonical(b.definition)

/** JSON whose keys are in order; what is undefined is not there. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}
