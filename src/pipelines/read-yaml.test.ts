/** What a definition means. */
import { expect, test } from 'vitest'
import { readPipelines } from './read-yaml.ts'
import { inPipeline, inTask, read, told } from './testing/definition-texts.ts'
import { definitionOf, taskOf } from './testing/definitions.ts'

const oneOf = (text: string) => {
  const { pipelines, problems } = read(text)
  expect(problems).toEqual([])
  return pipelines[0]!.definition
}

test('what is not given has its default, and nothing is what a missing key is', () => {
  const plain = definitionOf({ tasks: { t: { script: ['true'] } } })
  expect(oneOf(inTask('script: ["true"]'))).toEqual(plain)
  const nothing = inPipeline(
    'queue_limit:',
    'env:',
    'on_error:',
    'schedule: ~',
    'tasks:',
    '  t:',
    '    script: ["true"]',
    '    env:',
  )
  expect(oneOf(nothing)).toEqual(plain)
})

test("prunner's keys mean what they mean there", () => {
  const text = inPipeline(
    ...['concurrency: 0', 'queue_limit: 3', 'queue_strategy: replace', 'start_delay: 1h30m', 'retention_period: 0.5s'],
    ...[
      'continue_running_tasks_after_failure: yes',
      'retention_count: 10',
      'env: {A: 1, B: true, C: on, D: 2024-01-01, E: 0x1F, F:, G: "x"}',
    ],
    ...['on_error:', '  script: ["./notify.sh {{ .failedTaskName }}"]', '  env: {X: y}'],
    ...['tasks:', '  b:', '    depends_on: [a, a]', '  a: {script: [make, ""], allow_failure: on, env: {N: ~}}'],
  )
  expect(oneOf(text)).toEqual(
    definitionOf({
      ...{ concurrency: 1, queue_limit: 3, queue_strategy: 'replace', start_delay_ms: 5_400_000 },
      ...{ retention_period_ms: 500, continue_running_tasks_after_failure: true, retention_count: 10 },
      env: { A: '1', B: 'true', C: 'on', D: '2024-01-01', E: '0x1F', F: '', G: 'x' },
      on_error: { script: ['./notify.sh {{ .failedTaskName }}'], env: { X: 'y' } },
      tasks: {
        a: { script: ['make', ''], allow_failure: true, env: { N: '' } },
        b: { script: [], depends_on: ['a'] },
      },
    }),
  )
  expect(oneOf(inTask('script: [a]').replace('a:\n', 'a:\n    queue_strategy: replace\n')).queue_limit).toBe(1)
})

test('our keys', () => {
  const text = `pipelines:
  deploy:
    description: All of it
    queue_strategy: replace
    interrupt_running: true
    variables: merge
    timeout: 1h
    notify: [team, {channel: ops, on: [failed, cancelled]}]
    queue: heavy
    limits: {cpu: 2}
    stop_grace: 10s
    parameters:
      target: {type: choice, choices: [a, 1], default: 1, description: Where}
      count: {type: number, default: 3}
      name:
    schedule:
      - {name: night, cron: 30 2 * * 1-5, timezone: Europe/Berlin, misfire: run_all, catch_up: 2h, catch_up_limit: 5, overlap: skip, variables: {n: 1}}
      - {name: often, every: 15m, enabled: no, late_after: 1m}
    tasks:
      build:
        script: [make]
        args: ['{{ .name }}']
        env_from: {WHO: '{{ .name }}'}
        retry: 3
        timeout: 90s
        interruptible: false
        for_each: [1, {a: b}]
        max_parallel: 2
        artifacts: [dist/**]
        priority: 9
        labels: {version: 1}
      ask: {depends_on: [build], approval: {message: Sure?, timeout: 24h, on_timeout: approve}}
      more: {depends_on: [ask], pipeline: {name: other, variables: {x: '{{ .name }}'}}}
      last:
        depends_on: [more]
        script: [cat]
        artifacts_from: [build]
        retry: {attempts: 2, backoff: 500ms, factor: 1.5, max_backoff: 1m, memory_factor: 2, memory_max_bytes: 536870912}
`
  expect(oneOf(text)).toEqual(
    definitionOf({
      description: 'All of it',
      ...{
        queue_strategy: 'replace',
        queue_limit: 1,
        interrupt_running: true,
        variables: 'merge',
        timeout_ms: 3_600_000,
      },
      notify: [
        { channel: 'team', on: ['ended'] },
        { channel: 'ops', on: ['failed', 'cancelled'] },
      ],
      job: { queue: 'heavy', limits: { cpu: 2 }, stop_grace_seconds: 10 },
      parameters: {
        target: { type: 'choice', choices: ['a', '1'], default: '1', description: 'Where', required: false },
        count: { type: 'number', choices: [], default: 3, description: null, required: false },
        name: { type: 'string', choices: [], description: null, required: false },
      },
      schedules: [
        {
          ...{ name: 'night', cron: '30 2 * * 1-5', every_seconds: null, zone: 'Europe/Berlin', misfire: 'run_all' },
          ...{ catch_up_seconds: 7200, catch_up_limit: 5 },
          ...{ overlap: 'skip', variables: { n: 1 }, enabled: true, late_after_seconds: null },
        },
        {
          ...{
            name: 'often',
            cron: null,
            every_seconds: 900,
            zone: 'UTC',
            misfire: 'run_once',
            catch_up_seconds: 3600,
            catch_up_limit: 100,
          },
          ...{ overlap: 'queue', variables: {}, enabled: false, late_after_seconds: 60 },
        },
      ],
      tasks: {
        build: {
          ...{ script: ['make'], args: ['{{ .name }}'], env_from: { WHO: '{{ .name }}' }, timeout_ms: 90_000 },
          retry: { attempts: 3, backoff_ms: 1000, factor: 2, max_backoff_ms: 300_000 },
          ...{ interruptible: false, for_each: [1, { a: 'b' }], max_parallel: 2, artifacts: ['dist/**'] },
          job: { priority: 9, labels: { version: '1' } },
        },
        ask: {
          ...{ script: [], depends_on: ['build'] },
          approval: { message: 'Sure?', timeout_ms: 86_400_000, on_timeout: 'approve' },
        },
        more: { script: [], depends_on: ['ask'], pipeline: { name: 'other', variables: { x: '{{ .name }}' } } },
        last: {
          ...{ script: ['cat'], depends_on: ['more'], artifacts_from: ['build'] },
          retry: {
            ...{ attempts: 2, backoff_ms: 500, factor: 1.5, max_backoff_ms: 60_000 },
            ...{ memory_factor: 2, memory_max_bytes: 2 ** 29 },
          },
        },
      },
    }),
  )
})

test('an unknown key is a warning, with what was meant; strict makes it an error', () => {
  const text = inPipeline('queue_limits: 1', 'tasks:', '  t: {scripts: [a], zzz: 1}').concat('\nx-common: 1\n')
  expect(told(read(text))).toEqual([
    '6:1 warning x-common: `x-common` is not known, and ignored: remove it',
    '3:5 warning pipelines.a.queue_limits: `queue_limits` is not known: did you mean `queue_limit`?',
    '5:11 warning pipelines.a.tasks.t.scripts: `scripts` is not known: did you mean `script`?',
    '5:25 warning pipelines.a.tasks.t.zzz: `zzz` is not known, and ignored: remove it',
  ])
  expect(read(text).pipelines).toHaveLength(1)
  expect(read(text, true)).toMatchObject({ pipelines: [], broken: [{ name: 'a' }] })
})

test('a key that others call so is known by its other name, where there is one', () => {
  const text = inPipeline('cron: x', 'tasks:', '  t: {retries: 3, needs: [], dependsOn: [], cron: x}')
  expect(told(read(text)).map((line) => line.replace(/^.*`(.*)` is not known.*?(`(.*)`\?)?$/, '$1 $3'))).toEqual([
    ...['cron schedule', 'retries retry', 'needs depends_on', 'dependsOn depends_on', 'cron '],
  ])
})

test('names that mean something to JavaScript are names', () => {
  const text = inPipeline(
    'env: {__proto__: a, constructor: b}',
    'parameters: {__proto__: {}}',
    'tasks: {__proto__: {script: [a]}, toString: {}}',
  )
  const { env, parameters, tasks } = oneOf(text)
  expect(Object.entries(env)).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
  expect(Object.keys(parameters)).toEqual(['__proto__'])
  expect(tasks.map(({ name }) => name)).toEqual(['__proto__', 'toString'])
})

test('one wrong pipeline harms no other; a name in two files is told in both', () => {
  const good =
    'pipelines:\n  good: {tasks: {t: {}}}\n  bad: {tasks: {t: {depends_on: [x]}}}\n  twice: {tasks: {t: {}}}\n'
  const other = '# here\npipelines: {twice: {tasks: {t: {}}}, more: {tasks: {t: {}}}}\n'
  const { pipelines, broken, problems, unreadable } = readPipelines(
    [
      { path: 'a/pipelines.yml', text: good },
      { path: 'b/pipelines.yaml', text: other },
      { path: 'c/pipelines.yml', text: 'pipelines: [' },
    ],
    { strict: false },
  )
  expect(pipelines.map(({ name, path }) => [name, path])).toEqual([
    ['good', 'a/pipelines.yml'],
    ['more', 'b/pipelines.yaml'],
  ])
  expect(broken).toEqual([
    { name: 'bad', path: 'a/pipelines.yml' },
    { name: 'twice', path: 'a/pipelines.yml' },
  ])
  expect(unreadable).toEqual(['c/pipelines.yml'])
  const twice = problems.filter(({ pipeline }) => pipeline === 'twice')
  expect(twice.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
    'a/pipelines.yml:4 `twice` is in b/pipelines.yaml:2 too: rename one of the two',
    'b/pipelines.yaml:2 `twice` is in a/pipelines.yml:4 too: rename one of the two',
  ])
  expect(pipelines[0]!.source).toBe('pipelines:\n  good: {tasks: {t: {}}}\n')
  expect(read(pipelines[1]!.source).pipelines[0]!.definition).toEqual(pipelines[1]!.definition)
})

test('anchors and merge keys, as prunner reads them', () => {
  const text = `x-base: &base {env: {A: a, B: b}, allow_failure: true}
pipelines:
  p:
    tasks:
      one: {<<: *base, script: &s [echo], env: {A: other}}
      two: {<<: [*base], script: *s}
`
  const { pipelines } = read(text)
  expect(pipelines[0]!.definition.tasks).toEqual([
    taskOf('one', { script: ['echo'], env: { A: 'other' }, allow_failure: true }),
    taskOf('two', { script: ['echo'], env: { A: 'a', B: 'b' }, allow_failure: true }),
  ])
})

test('what public files have in them: Flowpack/prunner, Flowpack.DecoupledContentStore (2021 to 2025)', () => {
  const text = `# a remark above
pipelines:
  # ARG: contentReleaseId
  do_content_release:

    # said in between
    concurrency: 1
    queue_limit: 1
    queue_strategy: replace
    # retention_period_hours: 72
    retention_count: 10


    tasks:
      prepare_finished:
        script:
          - ./flow prepare:create {{ .contentReleaseId }} {{ .__jobID }}
          - lint $(go list ./... | grep -v /vendor/)
          # an item that is a remark
          - ""
          #- ./flow transfer:syncResources {{ .contentReleaseId }}
      enumerate_finished:
        script: [""]
        depends_on: [ prepare_finished ]
      no-work:
        script:
          - /bin/bash -c "dd if=/dev/random bs=1M  count=50 | base64"
  manually_transfer_content_release:
    retention_period_hours: 72
    tasks:
      validate_content:
        script: [""]
        depends_on: [ render_finished ]
  replace_it:
    queue_strategy: replace
    tasks: {lint: {script: [echo "25% done"]}}
`
  const found = read(text)
  expect(
    found.pipelines.map(({ name, definition }) => [name, definition.queue_limit, definition.tasks.length]),
  ).toEqual([
    ['do_content_release', 1, 3],
    ['replace_it', 1, 1],
  ])
  // The template of 2022 has it so, and prunner refuses the file.
  expect(told(found)).toEqual([
    '29:5 warning pipelines.manually_transfer_content_release.retention_period_hours: `retention_period_hours` is not known, and ignored: remove it',
    '33:23 error pipelines.manually_transfer_content_release.tasks.validate_content.depends_on[0]: there is no task `render_finished` in this pipeline',
  ])
})
