import { expect, test } from 'vitest'
import type { EventDetail } from '../../../lib/api.ts'
import { changeText, nextClockChange } from './clock-change.ts'
import { draftOf, emptyDraft, sameDefinition, sameDraft, withKind } from './draft.ts'
import { freeName, moved } from './item-card.tsx'
import { readJson } from './read-json.ts'
import { namesOf } from './sample.ts'
import { isWithin, tabOfField } from './tab-of-field.ts'
import { readYaml, yamlOf } from './yaml-text.ts'

const stored = {
  name: 'nightly',
  tags: ['ops'],
  shared: true,
  definition: {
    kind: 'bash',
    script: 'echo 1\necho 2\n',
    description: null,
    max_executions: null,
    env: {},
    actions: [
      { name: 'tell', on: 'failure', do: { message: { channel: 'team', input: { text: 'a: {{ output }}' } } } },
    ],
    schedules: [{ name: 's', cron: '0 3 * * *', every_seconds: null, zone: 'UTC' }],
  },
} as unknown as EventDetail

test('a draft is the same when only the order of keys or what is not said differs', () => {
  const draft = draftOf(stored)
  const { kind, ...rest } = draft.definition
  expect(sameDraft(draft, { ...draft, definition: { ...rest, kind, request: undefined } })).toBe(true)
  expect(sameDefinition(draft, { ...draft, name: 'other' })).toBe(true)
  expect(sameDraft(draft, { ...draft, tags: ['ops', 'x'] })).toBe(false)
  expect(sameDefinition(draft, { ...draft, definition: { ...draft.definition, script: 'echo 2' } })).toBe(false)
})

test('another kind keeps what all kinds have, and a script that somebody wrote', () => {
  const bash = { ...emptyDraft('bash').definition, env: { A: '1' } }
  const python = withKind(bash, 'python')
  expect(python).toMatchObject({ kind: 'python', env: { A: '1' } })
  expect(python.script).toContain('import runyard')
  expect(withKind({ ...bash, script: 'my own' }, 'node').script).toBe('my own')
  const http = withKind(bash, 'http')
  expect(http.script).toBeUndefined()
  expect(http.request).toEqual({ method: 'GET', url: 'https://' })
})

test('YAML: an event comes back as it went, defaults left out, scripts as blocks; a mistake names its line', () => {
  const draft = draftOf(stored)
  const text = yamlOf(draft)
  expect(text).toContain('script: |\n  echo 1\n  echo 2\n')
  expect(text).not.toMatch(/env|max_executions/)
  const read = readYaml(text, draft)
  const { env: _, ...definition } = draft.definition
  expect(read).toEqual({ draft: { ...draft, definition } })
  expect(readYaml('kind: bash\nscript: "', draft)).toMatchObject({ error: expect.stringMatching(/^line 2: /) })
  expect(readYaml('- 1', draft)).toHaveProperty('error')
})

test('the clocks of a zone: when they change next, by how much, or never', () => {
  const forward = nextClockChange('Europe/Berlin', new Date('2026-11-22T00:00:00Z'))!
  expect([forward.at.toISOString(), changeText(forward)]).toEqual(['2027-03-28T01:00:00.000Z', 'forward by 1 h'])
  const back = nextClockChange('America/New_York', new Date('2026-07-01T00:00:00Z'))!
  expect([back.at.toISOString(), changeText(back)]).toEqual(['2026-11-01T06:00:00.000Z', 'back by 1 h'])
  expect(changeText(nextClockChange('Australia/Lord_Howe', new Date('2026-07-01T00:00:00Z'))!)).toBe(
    'forward by 30 min',
  )
  expect(nextClockChange('UTC', new Date())).toBeNull()
  expect(nextClockChange('Nowhere/Land', new Date())).toBeNull()
})

test('fields: where they are edited, and what stands in what', () => {
  expect(['script', 'schedules[2].cron', 'actions[0].if', 'secrets.A', 'name'].map(tabOfField)).toEqual([
    'what',
    'triggers',
    'actions',
    'settings',
    'settings',
  ])
  expect(isWithin('actions[1].do.message', 'actions[1]')).toBe(true)
  expect(isWithin('actions[10].if', 'actions[1]')).toBe(false)
  expect(isWithin('actions', 'actions')).toBe(true)
})

test('small parts: free names, moves, JSON as it is typed, samples', () => {
  expect(freeName('tell', [{ name: 'tell' }, { name: 'tell-2' }])).toBe('tell-3')
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c'])
  expect(moved(['a'], 0, -1)).toEqual(['a'])
  expect(readJson(' ')).toEqual({})
  expect(readJson('null')).toEqual({ value: null })
  expect(readJson('{')).toHaveProperty('error')
  expect(namesOf('{"output": 1, "else": 2}')).toEqual({ output: 1 })
  expect(namesOf('[1]')).toBeNull()
})
