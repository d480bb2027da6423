/** `pipeline start` and `pipeline rerun`: a new run, to be followed or not. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { ApiClient } from '../api/client.ts'
import type { PipelineRun } from '../api/contract/index.ts'
import { withRunner } from './batch-acts.ts'
import type { Connection } from './connect.ts'
import { followToEnd } from './follow-to-end.ts'
import { globalsOf, type Globals } from './globals.ts'
import { asDeclared, parseSet, parseSetJson, readVars } from './pipeline-words.ts'
import { exitCodeOfRun, watchRun } from './pipeline-watch.ts'
import { notice, print, printable, printJson } from './render.ts'
import { repeated } from './submit.ts'

/** Over restarts of its server; its result is our exit code. */
export const followRun = (connection: Connection, id: string, globals: Globals): Promise<void> =>
  followToEnd(connection, globals, {
    whatThen: `no longer watching; the run goes on: runyard pipeline watch ${id}, or runyard pipeline cancel ${id}`,
    whenBack: `when a server runs again: runyard pipeline watch ${id}`,
    watch: (calls, out, signal) => watchRun(calls, id, out, signal),
    exitCodeOf: exitCodeOfRun,
  })

export const exitCodeText = '\nExit code: 0 it succeeded, 1 it failed, 130 it was cancelled.'

interface StartOptions {
  set?: Record<string, string>
  setJson?: Record<string, unknown>
  vars?: string
  partition?: string
  watch?: boolean
  idempotencyKey?: string
}

export function defineStart(pipeline: Command): void {
  const start = pipeline.command('start').argument('<name>', 'of the pipeline').summary('start a run')
  start
    .description('start a run of a pipeline: at once, or on its waiting list')
    .option('-s, --set <name=value>', 'a variable; becomes a number or a yes where the pipeline declares one', parseSet)
    .option('--set-json <name=json>', 'a variable that is no text', parseSetJson)
    .option('--vars <file>', 'variables as YAML or JSON; --set goes over it')
    .option('--partition <name>', 'queue partition, where the pipeline has partitioned_replace')
    .option('-w, --watch', 'follow it to its end')
    .option('--idempotency-key <key>', 'the same key gives the same run for 24 hours')
    .addHelpText('after', `${exitCodeText} Without --watch: 0 it was taken.`)
    .action(async (name: string, options: StartOptions) => {
      const fromFile = options.vars === undefined ? {} : await readVars(options.vars)
      await begin(start, options.watch, async (calls) => {
        const typed =
          options.set === undefined ? {} : asDeclared(options.set, (await calls.pipelines.get({ name })).parameters)
        const variables = { ...fromFile, ...options.setJson, ...typed } as Record<string, never>
        const context = { idempotencyKey: options.idempotencyKey ?? randomUUID() }
        return repeated(() =>
          calls.pipelines.start({ name, variables, queue_partition: options.partition }, { context }),
        )
      })
    })
}

export function defineRerun(rerun: Command): void {
  rerun
    .option('--from-start', 'all of it, not only what did not end well')
    .option('-w, --watch', 'follow it to its end')
    .addHelpText('after', `${exitCodeText} Without --watch: 0 it was taken.`)
    .action(async (id: string, { fromStart, watch }: { fromStart?: boolean; watch?: boolean }) => {
      const context = { idempotencyKey: randomUUID() }
      await begin(rerun, watch, (calls) =>
        repeated(() => calls.pipelineRuns.rerun({ id, from: fromStart ? 'start' : 'failed' }, { context })),
      )
    })
}

async function begin(
  command: Command,
  watch: boolean | undefined,
  make: (calls: ApiClient['calls']) => Promise<PipelineRun>,
): Promise<void> {
  const globals = globalsOf(command)
  await withRunner(command, 'background', async (connection) => {
    const run = await make(connection.client.calls)
    if (watch) {
      notice(`run ${run.id}`, globals.verbose)
      return followRun(connection, run.id, globals)
    }
    if (globals.json) return printJson(run)
    const waits = run.waiting_reason === null ? '' : `, ${printable(run.waiting_reason)}`
    print(`Run ${run.id} of ${printable(run.pipeline)}: ${run.status}${waits}`)
    notice(`runyard pipeline watch ${run.id}`)
  })
}
