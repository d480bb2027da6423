/** Texts that were made to hurt: read or refused, and soon. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inPipeline, inTask, read, told } from './testing/definition-texts.ts'

const laughs = `a0: &a0 [${'x,'.repeat(9)}]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`
test.each([
  ['an alias bomb', `${laughs}\n${inTask('for_each: *a12')}`, 'aliases stand for too much'],
  ['a list that holds itself', inTask('for_each: [&x [*x]]'), 'aliases stand for too much'],
  ['a merge of itself', 'pipelines:\n  a: &a\n    <<: *a\n    tasks: {}', 'merges itself'],
  ['brackets in brackets', `pipelines: ${'['.repeat(1_000_000)}`, 'is nested deeper than 100 levels'],
  ['lists in lists', `pipelines: \n  ${'- '.repeat(10_000)}`, 'is nested deeper than 100 levels'],
  ['10 MB', 'a'.repeat(10 * 1024 * 1024), 'is larger than 4 MiB'],
])('%s ends at once', (_, text, message) => {
  const took = cpuMs()
  expect(told(read(text)).join('\n')).toContain(message)
  // 1 to 31 ms.
  expect(took()).toBeLessThan(250)
})

test('an alias bomb is one line', () => {
  expect(told(read(`${laughs}\n${inTask('for_each: *a12')}`))).toHaveLength(1)
})

test('10,000 tasks in a chain are read in under a second, 10,001 are too many', () => {
  const chain = Array.from(
    { length: 10_000 },
    (__, i) => `  t${i}: {script: ['echo {{ .x }}'], depends_on: [${i > 0 ? `t${i - 1}` : ''}]}`,
  )
  const took = cpuMs()
  const { tasks } = read(inPipeline('tasks:', ...chain)).pipelines[0]!.definition
  expect([tasks.length, tasks.at(-1)!.name]).toEqual([10_000, 't9999'])
  // 0.6 s; what this process does beside it counts too.
  expect(took()).toBeLessThan(3000)
  const many = Array.from({ length: 10_001 }, (__, i) => `  t${i}:`)
  expect(told(read(inPipeline('tasks:', ...many))).join()).toContain('has 10001 tasks: at most 10000')
})

test('whatever is done to a text, it is read, and each mistake is in it', () => {
  const good = `x: &x {env: {A: 1}, allow_failure: yes}
pipelines:
  a: {concurrency: 2, schedule: {cron: 0 3 * * *, timezone: UTC}, notify: [t], parameters: {p: {type: choice, choices: [a]}}}
  b:
    on_error: {script: ['{{ .failedTaskName }}']}
    tasks:
      one: {<<: *x, script: [a, "b"], retry: {attempts: 2, backoff: 1s}, limits: {cpu: 1}, artifacts: [f]}
      two:
        depends_on: [one]
        artifacts_from: [one]
        script:
          - |
            echo {{ if .x }}y{{ end }}
`
  const piece = fc.constantFrom(
    ...Array.from('{}[]:,&*!|>-#\'"% \n\t\0'),
    '{{',
    '<<: ',
    '- ',
    'one',
    '-1',
    '1e9',
    '!!str ',
    '\ud800',
    '---\n',
    '~',
  )
  const place = fc.nat(good.length)
  const edit = fc.tuple(place, fc.nat(20), piece)
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), (edits, strict) => {
      const text = edits.reduce((now, [at, cut, put]) => now.slice(0, at) + put + now.slice(at + cut), good)
      const { pipelines, broken, problems, unreadable } = read(text, strict)
      const lines = text.split('\n')
      for (const { line, column } of problems) {
        expect(line).toBeGreaterThan(0)
        expect(column).toBeGreaterThan(0)
        expect(line).toBeLessThanOrEqual(lines.length)
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1)
      }
      if (broken.length + unreadable.length > 0) expect(problems.map(({ severity }) => severity)).toContain('error')
      // PostgreSQL takes neither in JSON.
      expect(JSON.stringify(pipelines)).not.toMatch(/\\u0000|\\ud[89a-f]/)
    }),
    { numRuns: 500 },
  )
})

/** Of this process, in milliseconds: how busy the machine is does not count. */
function cpuMs(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}
