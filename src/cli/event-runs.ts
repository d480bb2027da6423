/** `event run`, `test`, `runs`, `run-show`, `cancel`, `rerun`. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { parse } from 'yaml'
import type { ApiClient } from '../api/client.ts'
import type { EventRun } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { withRunner } from './batch-acts.ts'
import { withServer } from './connect.ts'
import { readInput, readYaml } from './event-file.ts'
import { eventRunDetails, eventRunTable } from './event-view.ts'
import { followEventRun } from './event-watch.ts'
import { oneOf, runStatuses, runTriggers } from './event-words.ts'
import { globalsOf } from './globals.ts'
import { notice, print, printable, printJson } from './render.ts'
import { repeated } from './submit.ts'
import { parseWithin } from './units.ts'

const exitText = '\nExit code with --wait and --follow: 0 it completed, 1 it failed, 130 it was cancelled.'

interface BeginOptions {
  input?: string
  type?: string
  wait?: boolean
  follow?: boolean
}

const addBegin = (command: Command): Command =>
  command
    .option('-i, --input <json>', 'what it gets: JSON, or @FILE (@- is stdin)')
    .option('--type <type>', 'content type of an input that is no JSON, e.g. text/csv')
    .option('-w, --wait', 'until it has ended')
    .option('-f, --follow', 'its output, until it has ended')

export function defineEventRuns(event: Command): void {
  defineRun(event)
  defineTest(event)
  defineRuns(event)
  defineShow(event)
  defineCancel(event)
  const rerun = event.command('rerun').argument('<run>', 'id of a run').summary('run again, with the same input')
  rerun
    .description('run the event as it is now, with the input of an earlier run')
    .option('-w, --wait', 'until it has ended')
    .option('-f, --follow', 'its output, until it has ended')
    .action((id: string, options: BeginOptions) => begin(rerun, options, (calls) => calls.eventRuns.rerun({ id })))
}

function defineRun(event: Command): void {
  const run = event.command('run').argument('<event>', 'its name or id').summary('run an event now')
  addBegin(run)
    .description('run an event now, also one that is a draft or paused')
    .option('--idempotency-key <key>', 'the same key gives the same run for 24 hours')
    .addHelpText(
      'after',
      `${exitText}\n\nExamples:\n  runyard event run nightly\n  runyard event run report --input '{"day": "2026-03-01"}' --follow\n  runyard event run load --input @rows.csv --type text/csv --wait`,
    )
    .action(async (name: string, options: BeginOptions & { idempotencyKey?: string }) => {
      const input = (await readInput(options.input, options.type)) as { input?: null }
      const context = { idempotencyKey: options.idempotencyKey ?? randomUUID() }
      await begin(run, options, (calls) => repeated(() => calls.events.run({ event: name, ...input }, { context })))
    })
}

function defineTest(event: Command): void {
  const test = event.command('test').argument('<event>', 'its name or id').summary('try a definition without saving it')
  addBegin(test)
    .description('run a definition that is not saved, in the place of an event that is')
    .requiredOption('--file <yaml>', 'the definition as `event export` writes it; - is stdin')
    .option('--fire-actions', 'its actions take effect too')
    .addHelpText(
      'after',
      `${exitText}\n\nExample:\n  runyard event export nightly > nightly.yaml\n  runyard event test nightly --file nightly.yaml --follow`,
    )
    .action(async (name: string, options: BeginOptions & { file: string; fireActions?: boolean }) => {
      const definition = await definitionIn(options.file)
      const { input, input_base64: other } = await readInput(options.input, options.type)
      if (other !== undefined) throw new AppError('invalid_argument', '--input: a test takes JSON only')
      const fire_actions = options.fireActions === true
      await begin(test, { ...options, wait: options.wait ?? options.follow }, (calls) =>
        calls.events.test({
          event: name,
          definition,
          fire_actions,
          ...(input !== undefined && { input: input as null }),
        }),
      )
    })
}

/** Without what stands beside it in a file. */
export async function definitionIn(path: string): Promise<{ kind: 'bash' }> {
  let value: unknown
  try {
    value = parse(await readYaml(path), { schema: 'core', maxAliasCount: 0 })
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError(
      'invalid_argument',
      `${path}: ${cause instanceof Error ? cause.message.split('\n')[0]! : 'is not YAML'}`,
      { cause },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('invalid_argument', `${path}: must be one event`)
  }
  const { name: _n, status: _s, shared: _h, tags: _t, ...definition } = value as Record<string, unknown>
  return definition as { kind: 'bash' }
}

async function begin(
  command: Command,
  { wait, follow }: BeginOptions,
  make: (calls: ApiClient['calls']) => Promise<EventRun>,
): Promise<void> {
  const globals = globalsOf(command)
  await withRunner(command, 'background', async (connection) => {
    const run = await make(connection.client.calls)
    if (wait || follow) {
      notice(`run ${run.id}`, globals.verbose)
      return followEventRun(connection, run, { log: follow === true, globals })
    }
    if (globals.json) return printJson(run)
    print(
      `Run ${run.id} of ${printable(run.event.name)}: ${run.status}${run.waiting === null ? '' : `, ${printable(run.waiting)}`}`,
    )
    notice(`runyard event run-show ${run.id}`)
  })
}

function defineRuns(event: Command): void {
  const runs = event.command('runs').argument('[event]', 'its name or id').summary('list runs of events')
  runs
    .description('runs of one event or of all, newest first')
    .option('--status <word>', `${runStatuses.join(', ')}; may be repeated`, oneOf(runStatuses))
    .option('--trigger <word>', `${runTriggers.join(', ')}; may be repeated`, oneOf(runTriggers))
    .option('--since <time>', 'begun at or after, e.g. 2026-03-01T00:00:00Z')
    .option('--until <time>', 'begun before')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 20)
    .action(async (name: string | undefined, options: RunsOptions) => {
      const { status, trigger, since, until, limit } = options
      const query = { event: name, status, trigger, since, until, limit }
      const found = await withServer(runs, ({ client }) => client.calls.eventRuns.list(query))
      if (globalsOf(runs).json) return printJson(found.runs)
      if (found.runs.length === 0) return notice('no run matches')
      process.stdout.write(eventRunTable(found.runs))
    })
}

interface RunsOptions {
  status?: (typeof runStatuses)[number][]
  trigger?: (typeof runTriggers)[number][]
  since?: string
  until?: string
  limit: number
}

function defineShow(event: Command): void {
  const show = event.command('run-show').argument('<run>', 'its id').summary('one run: input, output, actions')
  show.description('one run with its input, output and actions').action(async (id: string) => {
    const run = await withServer(show, ({ client }) => client.calls.eventRuns.get({ id }))
    if (globalsOf(show).json) return printJson(run)
    process.stdout.write(eventRunDetails(run))
  })
}

function defineCancel(event: Command): void {
  const cancel = event.command('cancel').argument('<run>', 'its id').summary('cancel a run')
  cancel
    .description('cancel a run: at once while it waits, else its job is stopped')
    .option('--reason <text>', 'shown with the run')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const run = await withServer(cancel, ({ client }) => client.calls.eventRuns.cancel({ id, reason }))
      if (globalsOf(cancel).json) return printJson(run)
      print(`Run ${run.id}: ${run.status === 'cancelled' ? 'cancelled' : 'being stopped'}`)
    })
}
