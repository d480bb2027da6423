import { expect, test } from 'vitest'
import { emptyBatch, fromBody, missingParts, toBody, type BatchForm } from './batch-form.ts'
import { readText, toText } from './document-text.ts'

const matrix: BatchForm = {
  ...emptyBatch,
  name: 'nightly',
  line: 'npm test -- {{matrix.shard}}',
  axes: [
    { name: 'shard', values: ['1..20'] },
    { name: 'node', values: ['20', '24', '1e3', '007', 'true'] },
  ],
  queue: 'ci',
  timeout_seconds: '60',
  env: [{ key: 'CI', value: '1' }],
  junit: 'reports/*.xml\n',
  notify: [{ channel: 'team', on: ['failed'] }],
}

test('the form becomes a document with what was filled in, values as YAML would read them', () => {
  expect(toBody(matrix)).toEqual({
    name: 'nightly',
    defaults: { queue: 'ci', timeout_seconds: 60, env: { CI: '1' }, junit: ['reports/*.xml'] },
    matrix: { shard: ['1..20'], node: [20, 24, '1e3', '007', true] },
    job: { name: 'npm test -- {{matrix.shard}}', command: ['bash', '-c', 'npm test -- {{matrix.shard}}'] },
    notify: [{ channel: 'team', on: ['failed'] }],
  })
  expect(toBody({ ...emptyBatch, kind: 'list', lines: 'make a\n\n  make b\n' })).toEqual({
    jobs: [
      { name: 'make a', command: ['bash', '-c', 'make a'] },
      { name: 'make b', command: ['bash', '-c', 'make b'] },
    ],
  })
})

test('form, document and text are the same batch', () => {
  for (const form of [matrix, { ...matrix, jobName: 'shard {{matrix.shard}}' }]) {
    const read = readText(toText(toBody(form)))
    const again = 'body' in read ? fromBody(read.body) : null
    expect(again && toBody(again)).toEqual(toBody(form))
  }
})

test('a document with more than the form shows does not become one, and loses nothing', () => {
  const body = toBody(matrix)
  expect(fromBody({ ...body, exclude: [{ shard: 1 }] })).toBeNull()
  expect(fromBody({ ...body, job: { command: ['pytest', 'x', 'y'] } })).toBeNull()
  expect(fromBody({ ...body, defaults: { ...body.defaults, priority: 9 } })).toBeNull()
  expect(fromBody('text')).toBeNull()
})

test('text that is no document is refused with its line', () => {
  expect(readText('name: [unclosed')).toMatchObject({ error: expect.stringMatching(/line 1/) })
  expect(readText('name: a\nname: b\n')).toMatchObject({ error: expect.stringMatching(/^line 2: .*unique/) })
  expect(readText('name: a\n---\nname: b\n')).toMatchObject({ error: expect.stringMatching(/a second document/) })
  expect(readText('- a\n- b')).toMatchObject({ error: expect.stringMatching(/has fields/) })
})

test('an empty line is not sent: bash would run it and succeed', () => {
  expect(missingParts(emptyBatch)).toEqual([{ field: 'job.command', message: 'type what to run' }])
  expect(missingParts({ ...emptyBatch, kind: 'list', lines: ' \n' })).toHaveLength(1)
  expect(missingParts(matrix)).toEqual([])
})

test('a problem of the server has the line of what it is about, or of what it is missing in', () => {
  const read = readText('name: n\njobs:\n  - command: [a]\n  - command: [b]\n    priority: 11\n')
  const lineOf = (field: string) => ('lineOf' in read ? read.lineOf(field) : undefined)
  expect([lineOf('name'), lineOf('jobs[1].priority'), lineOf('jobs[1].queue'), lineOf('notify')]).toEqual([
    1,
    5,
    4,
    undefined,
  ])
})
