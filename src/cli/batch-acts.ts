/** The commands about a batch that is there. */
import { randomUUID } from 'node:crypto'
import { InvalidArgumentError, type Command } from 'commander'
import type { ApiClient } from '../api/client.ts'
import { batchStates } from '../api/contract/batches.ts'
import { testStatuses } from '../api/contract/test-results.ts'
import type { Batch, TestResult } from '../api/contract/index.ts'
import { publicIdPattern } from '../lib/ids.ts'
import { batchDetails, batchTable, frequentMessages, testTable } from './batch-view.ts'
import { tellBackground } from './background-line.ts'
import { exitCodeOfBatch, watchBatch } from './batch-watch.ts'
import { connect, withServer, type Connection } from './connect.ts'
import { followToEnd } from './follow-to-end.ts'
import { globalsOf, type Globals } from './globals.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { notice, print, printable, printJson } from './render.ts'
import { repeated } from './submit.ts'
import { parseWithin, plural } from './units.ts'

/** Prints the way of a batch, over restarts of its server, and leaves its result as our exit code. */
export const follow = (connection: Connection, id: string, globals: Globals): Promise<void> =>
  followToEnd(connection, globals, {
    whatThen: `no longer watching; the batch goes on: runyard batch watch ${id}, or runyard batch cancel ${id}`,
    whenBack: `when a server runs again: runyard batch watch ${id}`,
    watch: (calls, out, signal) => watchBatch(calls, id, out, signal),
    exitCodeOf: exitCodeOfBatch,
  })

export function defineActs(batch: Command): void {
  const on = (name: string, summary: string): Command =>
    batch.command(name).argument('<id>', 'of the batch', batchId).summary(summary).description(summary)

  const watch = on('watch', 'follow a batch to its end')
  watch
    .addHelpText('after', '\nExit code: 0 all passed, 1 something did not, 130 it was cancelled.')
    .action((id: string) => withRunner(watch, 'ephemeral', (connection) => follow(connection, id, globalsOf(watch))))

  const status = on('status', 'how a batch is')
  status.action(async (id: string) => {
    const { found, failed } = await withServer(status, async ({ client: { calls } }) => {
      const batch = await calls.batches.get({ id })
      const some = batch.counts.failed === 0 ? [] : (await calls.jobs.list({ ...ofFailed, batch_id: id })).jobs
      return { found: batch, failed: some }
    })
    if (globalsOf(status).json) return printJson(found)
    process.stdout.write(batchDetails(found, frequentMessages(failed)))
  })

  defineLs(batch)
  defineTests(on('tests', 'the test cases that its jobs reported, failed ones first'))

  const cancel = on('cancel', 'cancel every job of a batch that has not ended')
  cancel
    .option('--reason <text>', 'shown with the jobs')
    .option('--force', 'kill what runs, without its time to stop')
    .action(async (id: string, { reason, force }: { reason?: string; force?: boolean }) => {
      const done = await withServer(cancel, ({ client }) => client.calls.batches.cancel({ id, reason, force }))
      if (globalsOf(cancel).json) return printJson(done)
      print(`${plural(done.cancelled, 'job')} cancelled, ${done.stopping} being stopped`)
    })

  const complete = on('complete', 'declare a batch complete: cancel what waits, kill what runs')
  complete
    .option('--reason <text>', 'shown with the jobs')
    .option('-y, --yes', 'do it without asking')
    .action(async (id: string, { yes, reason }: { yes?: boolean; reason?: string }) => {
      const question = ({ name, counts }: Batch): string =>
        `Complete ${id} (${printable(name)}): cancel ${plural(counts.waiting, 'waiting job')} and kill ${counts.running}?`
      const done = await asked(complete, id, yes, question, (calls) => calls.batches.complete({ id, reason }))
      if (done === undefined) return
      if (globalsOf(complete).json) return printJson(done)
      print(`${id} is complete: ${done.status}`)
    })

  const rerun = on('rerun', 'submit the jobs of a batch again, as a new one')
  rerun
    .option('--failed', 'only those that did not pass')
    .option('-w, --watch', 'follow it to its end')
    .action(async (id: string, { failed, watch: watched }: { failed?: boolean; watch?: boolean }) => {
      const globals = globalsOf(rerun)
      const again = { id, only: failed ? ('failed' as const) : ('all' as const) }
      const context = { idempotencyKey: randomUUID() }
      await withRunner(rerun, 'background', async (connection) => {
        const made = await repeated(() => connection.client.calls.batches.rerun(again, { context }))
        if (watched) return follow(connection, made.id, globals)
        if (globals.json) return printJson(made)
        print(`Submitted batch ${made.id} with ${plural(made.counts.total, 'job')}`)
      })
    })

  const rm = on('rm', 'delete an ended batch with its jobs and their logs')
  rm.option('-y, --yes', 'do it without asking').action(async (id: string, { yes }: { yes?: boolean }) => {
    const question = ({ name, counts }: Batch): string =>
      `Delete ${id} (${printable(name)}), its ${plural(counts.total, 'job')} and their logs?`
    const done = await asked(rm, id, yes, question, async (calls) => {
      await calls.batches.delete({ id })
      return true
    })
    if (done === undefined) return
    if (globalsOf(rm).json) return printJson({ id, deleted: true })
    print(`Deleted ${id}`)
  })
}

/** Enough of them to say why. */
const ofFailed = { status: 'failed', limit: 200 }

function defineLs(batch: Command): void {
  const ls = batch.command('ls').summary('list batches').description('list batches, newest first')
  ls.option('--status <words>', batchStates.join(', '), oneOfEach(batchStates))
    .option('--name <text>', 'part of the name')
    .option('--owner <user>', 'batches of this user')
    .option('--limit <n>', 'how many', parseWithin(1, 200), 20)
    .action(
      async ({ status, name, owner, limit }: { status?: string; name?: string; owner?: string; limit: number }) => {
        const { batches } = await withServer(ls, ({ client }) =>
          client.calls.batches.list({ status, name, owner, limit }),
        )
        if (globalsOf(ls).json) return printJson(batches)
        if (batches.length === 0) return notice('no batch matches; runyard batch submit FILE makes one')
        process.stdout.write(batchTable(batches))
      },
    )
}

function defineTests(tests: Command): void {
  tests
    .option('--status <words>', testStatuses.join(', '), oneOfEach(testStatuses))
    .option('--name <text>', 'part of the name')
    .option('--slowest', 'the slowest first')
    .option('--limit <n>', 'how many', parseWithin(1, 500), 50)
    .action(async (id: string, options: { status?: string; name?: string; slowest?: boolean; limit: number }) => {
      // The options of every command are among them: `--json` is no filter.
      const { slowest, status, name, limit } = options
      const sort = slowest ? ('slowest' as const) : undefined
      const found = await withServer(tests, ({ client }) =>
        client.calls.batches.tests({ id, status, name, limit, sort }),
      )
      if (globalsOf(tests).json) return printJson(found)
      const { counts } = found
      if (counts.total === 0) return notice('its jobs reported no tests; a job says with junit where its reports are')
      process.stdout.write(testTable(found.tests as TestResult[]))
      print(
        `${plural(counts.total, 'test')}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
      )
    })
}

/** Where no server runs, one with a runner: what is watched has to get on, what is submitted has to be done. */
export async function withRunner(
  command: Command,
  start: 'ephemeral' | 'background',
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await connect(command, { start, runner: true })
  try {
    if (start === 'background') tellBackground(connection)
    await use(connection)
  } finally {
    await connection.close()
  }
}

/** Undefined: the answer was no. */
async function asked<T>(
  command: Command,
  id: string,
  yes: boolean | undefined,
  question: (batch: Batch) => string,
  act: (calls: ApiClient['calls']) => Promise<T>,
): Promise<T | undefined> {
  refuseUnasked(yes, `runyard batch ${command.name()} ${id}`)
  return withServer(command, async ({ client: { calls } }) =>
    (await agreed(yes, async () => question(await calls.batches.get({ id })))) ? act(calls) : undefined,
  )
}

export function batchId(text: string): string {
  if (!publicIdPattern.test(text)) throw new InvalidArgumentError('is not a batch id: 12 characters, 0-9 and a-z')
  return text
}

export const oneOfEach =
  (words: readonly string[]) =>
  (text: string): string => {
    const unknown = text.split(',').find((word) => !words.includes(word))
    if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${words.join(', ')}`)
    return text
  }
