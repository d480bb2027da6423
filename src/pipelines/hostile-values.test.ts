/** Rows Y3, Y4 and Y5 of the threat model: values that others choose, from a run's variables to what its shell sees. */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Parameter } from '../job/pipeline.ts'
import { graphOf } from './run-graph.ts'
import { taskJob, templateData } from './render-task.ts'
import { definitionOf, type DefinitionParts } from './testing/definitions.ts'

const uuid = '00000000-0000-4000-8000-000000000000'

/** What one task prints when its job's command is run here. */
function printed(
  task: NonNullable<DefinitionParts['tasks']>[string],
  variables: Record<string, unknown>,
  parts: Pick<DefinitionParts, 'parameters'> = {},
): string {
  const graph = graphOf(definitionOf({ ...parts, tasks: { t: task } }))
  const run = { publicId: 'run000000000', uuid, ownerId: '1', pipeline: 'p', root: '/' }
  const data = templateData({ uuid }, variables, graph.definition)
  const context = { run, graph, data, output: () => 'made by {{ .secret }}; $(id)' }
  const { command, env } = taskJob(context, graph.tasks[0]!, -1, {})
  const [program = '', ...args] = command
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

const evil = [
  ...[
    '; id',
    '$(id)',
    '`id`',
    '${HOME}',
    '&& id',
    '| id',
    '> /tmp/x',
    '*',
    '~',
    "'",
    '"',
    '\\',
    '\n',
    'a\nid\n',
    '\r\n',
    '\t',
    '',
  ],
  ...[
    '-n',
    '--help',
    '-rf',
    '@/etc/passwd',
    '!!',
    '#',
    '%s%n',
    "'; id; '",
    '"; id; "',
    "\\'",
    "$'\\x41'",
    '_runyard[text]',
  ],
  ...['{{', '}}', '{{ "{{" }}', '{{ .v0 }}', '{{ .nobody }}', 'EOF', 'é😀', '\u001b[2J'],
]
const text: Parameter = { type: 'string', description: null, required: true, choices: [] }

/** Each way to hand over a value, and the bytes that come out there, with a NUL behind each. */
function ways(values: readonly string[]): [string, string, string] {
  const names = values.map((_, i) => `v${i}`)
  const variables = Object.fromEntries(names.map((name, i) => [name, values[i]!]))
  const print = `printf '%s\\0'`
  // What is not declared is read once, as prunner reads text variables.
  const parameters = Object.fromEntries(names.map((name) => [name, text]))
  const output = (task: Parameters<typeof printed>[0]): string => printed(task, variables, { parameters })
  return [
    output({ args: names.map((name) => `{{ .${name} }}`), script: [`${print} "$@"`] }),
    output({
      env_from: Object.fromEntries(names.map((name) => [name.toUpperCase(), `{{ .${name} }}`])),
      script: [`${print} ${names.map((name) => `"$${name.toUpperCase()}"`).join(' ')}`],
    }),
    output({ script: [`${print} ${names.map((name) => `{{ shellquote .${name} }}`).join(' ')}`] }),
  ]
}

test('Y4: in args, env_from and shellquote a value stays what it is, whatever is in it', () => {
  const expected = evil.map((value) => `${value}\0`).join('')
  expect(ways(evil)).toEqual([expected, expected, expected])
  const anyText = fc.string({ unit: 'binary', maxLength: 30 }).filter((s) => !s.includes('\0'))
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1, maxLength: 40 }), (values) => {
      const all = values.map((value) => `${value}\0`).join('')
      expect(ways(values)).toEqual([all, all, all])
    }),
    { numRuns: 3 },
  )
})

test('Y3: what came out of a template is never a template again', () => {
  const variables = {
    secret: 'hush',
    twice: '{{ "{{" }} .secret }}',
    item: ['{{ .secret }}'],
    job: { a: '{{ .secret }}' },
  }
  const script = [
    'printf "%s\\n" {{ shellquote .twice }} {{ index .item 0 | shellquote }} {{ shellquote .job.a }}',
    'printf "%s\\n" {{ output "before" "x" | shellquote }} "$OUT"',
  ]
  expect(printed({ script, env_from: { OUT: '{{ output "before" "x" }}' } }, variables).split('\n')).toEqual([
    ...['{{ .secret }}', '{{ .secret }}', '{{ .secret }}'],
    ...['made by {{ .secret }}; $(id)', 'made by {{ .secret }}; $(id)', ''],
  ])
  const both = { told: '{{ .secret }}', undeclared: '{{ .secret }}', secret: 'hush' }
  const quoted = ['printf "%s\\n" {{ shellquote .told }} {{ shellquote .undeclared }}']
  expect(printed({ script: quoted }, both, { parameters: { told: text } })).toBe('{{ .secret }}\nhush\n')
})

test('Y5: a variable of a run is no variable of the environment, and none of ours is anybody’s', () => {
  const variables = {
    LD_PRELOAD: '/tmp/x.so',
    BASH_ENV: '/tmp/x',
    PATH: '/tmp',
    NODE_OPTIONS: '-r /tmp/x',
    TASK_NAME: 'x',
  }
  const names = Object.keys(variables).join('|')
  expect(printed({ script: [`env | grep -E '^(${names}|RUNYARD_TASK)' | sort`] }, variables)).toBe(
    `PATH=${process.env.PATH}\nTASK_NAME=t\n`,
  )
})
