/** Definitions that are wrong: each is told where it is wrong and how it is mended. */
import { expect, test } from 'vitest'
import { inPipeline, inTask, read, told } from './testing/definition-texts.ts'

test('of broken YAML the first mistake is told, not what comes of it', () => {
  for (const [text, first] of [
    [
      inTask('script: [a, {{ .x }, b', 'depends_on: [x]', 'env: {A: [1}'),
      '6:9 error : Flow map in block collection must be',
    ],
    ['pipelines: a: b: c\n  d: e', '1:12 error : Nested mappings are not allowed in compact mappings'],
    ['{a: 1\n---\nb: 2', '2:1 error : Flow map must end with a }'],
  ] as const) {
    expect(told(read(text))).toEqual([expect.stringContaining(first)])
  }
})

test.each<[string, string, string]>([
  ['broken YAML', 'pipelines:\n  a: [', '2:7 error : Flow sequence in block collection must'],
  ['tags', inTask('script: [!exec x]'), '5:24 error pipelines.a.tasks.t.script[0]: no tags here: remove !exec'],
  ['a second document', 'pipelines: {}\n---\nx: 1', '2:1 error : a second document begins here'],
  ['a list at the top', '- a', '1:1 error : must be a mapping: write `pipelines: {build: {tasks: {…}}}`'],
  ['pipelines as a list', 'pipelines:\n  - name: a', '1:1 error pipelines: must be a mapping'],
  ['NUL', 'pipelines:\n  a: "\0"', '1:1 error : contains NUL characters'],
  [
    'NUL in a text',
    inTask('script: ["a\\0b"]'),
    '5:18 error pipelines.a.tasks.t.script[0]: must not contain a NUL character',
  ],
  [
    'a key given twice',
    inTask('script: [a]', 'script: [b]'),
    '6:9 error pipelines.a.tasks.t.script: `script` is given twice',
  ],
  [
    'a task given twice',
    inPipeline('tasks:', '  t: {script: [a]}', '  t: {script: [b]}'),
    '5:7 error pipelines.a.tasks.t: `t` is given twice',
  ],
  [
    'a path as a name',
    'pipelines:\n  ../../etc:\n    tasks: {t: {}}',
    '2:3 error pipelines.../../etc: `../../etc` is no name of a pipeline',
  ],
  ['a path as a task', inPipeline('tasks: {a/b: {}}'), '3:13 error pipelines.a.tasks.a/b: `a/b` is no name of a task'],
  [
    'a line break in a name',
    inPipeline('tasks: {"a\\nb": {}}'),
    '3:13 error pipelines.a.tasks.a\nb: `a\nb` is no name of a task',
  ],
  ['a dash before a name', inPipeline('tasks: {-a: {}}'), '3:13 error pipelines.a.tasks.-a: `-a` is no name of a task'],
  [
    'a script that is text',
    inTask('script: make'),
    '5:9 error pipelines.a.tasks.t.script: must be a list: write `script: [echo hello]`',
  ],
  [
    'an unquoted template',
    inTask('script:', '  - {{ .cmd }}'),
    "6:13 error pipelines.a.tasks.t.script[0]: must be text: put quotes around it, e.g. '{{ .name }}'",
  ],
  [
    'a word for a number',
    inPipeline('concurrency: many', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.concurrency: must be a whole number',
  ],
  [
    'a negative limit',
    inPipeline('queue_limit: -1', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.queue_limit: must be 0 or more, not -1',
  ],
  [
    'a negative number of runs',
    inPipeline('concurrency: -2', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.concurrency: must be 0 or more',
  ],
  [
    'a negative delay',
    inPipeline('start_delay: -1s', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.start_delay: must not be negative',
  ],
  [
    'a duration in days',
    inPipeline('retention_period: 7d', 'tasks: {t: {}}'),
    'retention_period: has no days: write hours',
  ],
  [
    'a timeout without a unit',
    inTask('timeout: 10'),
    '5:9 error pipelines.a.tasks.t.timeout: needs a unit: write `10s`',
  ],
  [
    'a number of nanoseconds',
    inPipeline('start_delay: 10', 'tasks: {t: {}}'),
    '3:5 warning pipelines.a.start_delay: is in nanoseconds without a unit, so 0s: write `10s`',
  ],
  [
    'an unknown strategy',
    inPipeline('queue_strategy: replce', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.queue_strategy: `replce` is not known: must be append, replace, partitioned_replace; did you mean `replace`?',
  ],
  [
    'no partition limit',
    inPipeline('queue_strategy: partitioned_replace', 'tasks: {t: {}}'),
    '2:3 error pipelines.a: partitioned_replace needs `queue_partition_limit`',
  ],
  [
    'a partition limit of 0',
    inPipeline('queue_strategy: partitioned_replace', 'queue_partition_limit: 0', 'tasks: {t: {}}'),
    '4:5 error pipelines.a.queue_partition_limit: must be 1 or more, not 0',
  ],
  [
    'both limits',
    inPipeline('queue_strategy: partitioned_replace', 'queue_partition_limit: 1', 'queue_limit: 1', 'tasks: {t: {}}'),
    '5:5 error pipelines.a.queue_limit: is not for partitioned_replace',
  ],
  [
    'a partition limit alone',
    inPipeline('queue_partition_limit: 1', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.queue_partition_limit: is for `queue_strategy: partitioned_replace` only',
  ],
  [
    'a delay without a place',
    inPipeline('queue_limit: 0', 'start_delay: 1s', 'tasks: {t: {}}'),
    '4:5 error pipelines.a.start_delay: needs a place to wait',
  ],
  [
    'interrupting with append',
    inPipeline('interrupt_running: true', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.interrupt_running: needs `queue_strategy: replace`',
  ],
  [
    'a missing dependency',
    inPipeline('tasks:', '  build: {}', '  t: {depends_on: [biuld]}'),
    '5:24 error pipelines.a.tasks.t.depends_on[0]: there is no task `biuld` in this pipeline: did you mean `build`?',
  ],
  [
    'a task that waits for itself',
    inTask('depends_on:', '  - t'),
    '6:13 error pipelines.a.tasks.t.depends_on[0]: depends on itself',
  ],
  [
    'a cycle',
    inPipeline('tasks:', '  x: {depends_on: [z]}', '  y: {depends_on: [x]}', '  z: {depends_on: [y]}'),
    '4:11 error pipelines.a.tasks.x.depends_on: the tasks wait for each other: x → z → y → x; remove',
  ],
  [
    'the name of on_error',
    inPipeline('tasks: {on_error: {}}'),
    '3:13 error pipelines.a.tasks.on_error: is the name of the task that runs after a failure',
  ],
  [
    'a template that ends too early',
    inTask('script:', '  - |', '    echo one', '    echo {{ if .x }}'),
    '8:21 error pipelines.a.tasks.t.script[0]: is no template',
  ],
  [
    'a function that is not there',
    inTask('script: ["{{ exec 1 }}"]'),
    '5:22 error pipelines.a.tasks.t.script[0]: is no template: function "exec" not defined',
  ],
  [
    'a template in on_error',
    inPipeline('tasks: {t: {}}', 'on_error: {script: ["{{ }"]}'),
    'pipelines.a.on_error.script[0]: is no template',
  ],
  [
    'a cron that is none',
    inPipeline('schedule: {cron: 61 * * * *}', 'tasks: {t: {}}'),
    '3:16 error pipelines.a.schedule.cron: cannot be read',
  ],
  [
    'a zone that is none',
    inPipeline('schedule: {cron: 0 3 * * *, timezone: Berlin}', 'tasks: {t: {}}'),
    'pipelines.a.schedule.timezone: is no time zone',
  ],
  [
    'neither cron nor every',
    inPipeline('schedule: {timezone: UTC}', 'tasks: {t: {}}'),
    '3:5 error pipelines.a.schedule: needs either `cron` or `every`',
  ],
  [
    'schedules of one name',
    inPipeline('schedule: [{name: x, every: 1h}, {name: x, every: 2h}]', 'tasks: {t: {}}'),
    'schedule[1]: needs a name of its own',
  ],
  [
    'an unknown key of ours',
    inTask('retry: {attempts: 2, backof: 1s}'),
    '5:30 error pipelines.a.tasks.t.retry.backof: `backof` is not known: did you mean `backoff`?',
  ],
  [
    'a limit of a job',
    inTask('limits: {memory_bytes: 1}'),
    '5:18 error pipelines.a.tasks.t.limits.memory_bytes: at least 4 MiB',
  ],
  ['an unknown limit', inTask('limits: {ram: 1}'), 'pipelines.a.tasks.t.limits.ram: is not a known field'],
  ['a working directory', inTask('working_dir: ../x'), '5:9 error pipelines.a.tasks.t.working_dir: must'],
  [
    'an environment that is a list',
    inTask('env: [A=1]'),
    '5:9 error pipelines.a.tasks.t.env: must be a mapping: write `NAME: value`',
  ],
  [
    'a mapping as a variable',
    inTask('env: {A: {b: c}}'),
    '5:15 error pipelines.a.tasks.t.env.A: must be text, not a mapping',
  ],
  [
    'a name that is no variable',
    inTask('env: {A-B: c}'),
    '5:15 error pipelines.a.tasks.t.env.A-B: is no name of a variable',
  ],
  [
    'a name that is ours',
    inTask('env_from: {runyard_Output: c}'),
    'env_from.runyard_Output: is reserved: names beginning with RUNYARD_ are ours',
  ],
  [
    'script and pipeline',
    inTask('script: [a]', 'pipeline: b'),
    '4:7 error pipelines.a.tasks.t: has script and pipeline: divide it',
  ],
  [
    'a pipeline in itself',
    inTask('pipeline: a'),
    '5:9 error pipelines.a.tasks.t.pipeline: would start itself for ever',
  ],
  [
    'an approval of a list',
    inTask('approval: true', 'for_each: [1]'),
    '6:9 error pipelines.a.tasks.t.for_each: cannot be of an approval',
  ],
  ['a list of 10,001', inTask(`for_each: [${'1,'.repeat(10_001)}]`), 'for_each: has 10001 entries: at most 10000'],
  [
    'artefacts from elsewhere',
    inPipeline('tasks:', '  x: {artifacts: [f], script: [a]}', '  t: {artifacts_from: [x], script: [a]}'),
    '5:28 error pipelines.a.tasks.t.artifacts_from[0]: need not have run before: add `x` to `depends_on`',
  ],
  [
    'artefacts outside',
    inTask('artifacts: [../x]'),
    '5:21 error pipelines.a.tasks.t.artifacts[0]: must not contain ..',
  ],
  [
    'a default that does not fit',
    inPipeline('parameters: {n: {type: number, default: abc}}', 'tasks: {t: {}}'),
    '3:36 error pipelines.a.parameters.n.default: must be a number',
  ],
  [
    'a parameter that is no name',
    inPipeline('parameters: {a-b: {}}', 'tasks: {t: {}}'),
    '`a-b` is no name for a variable',
  ],
  ['an alias without an anchor', inTask('env: *none'), 'there is no anchor &none before it'],
])('%s', (_, text, message) => {
  const found = told(read(text))
  expect(found.join('\n')).toContain(message)
  if (!message.includes('warning')) expect(read(text).pipelines).toEqual([])
})
