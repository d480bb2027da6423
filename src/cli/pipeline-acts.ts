/** The commands about a run that is there. */
import { InvalidArgumentError, type Command } from 'commander'
import type { ApiClient } from '../api/client.ts'
import { runIdPattern, runStatuses, taskStates } from '../api/contract/pipeline-runs.ts'
import { AppError } from '../lib/app-error.ts'
import { oneOfEach, withRunner } from './batch-acts.ts'
import { addLogOptions, showLog, type LogOptions } from './commands/log.ts'
import { withServer } from './connect.ts'
import { globalsOf } from './globals.ts'
import { defineRerun, exitCodeText, followRun } from './pipeline-start.ts'
import { runDetails, runTable, taskTable } from './pipeline-view.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { notice, print, printable, printJson } from './render.ts'
import { parseWhole, parseWithin, plural } from './units.ts'

export function defineRunActs(pipeline: Command): void {
  const on = (name: string, summary: string): Command =>
    pipeline.command(name).argument('<run>', 'its id or UUID', runId).summary(summary).description(summary)

  const watch = on('watch', 'follow a run to its end')
  watch
    .addHelpText('after', exitCodeText)
    .action((id: string) => withRunner(watch, 'ephemeral', (connection) => followRun(connection, id, globalsOf(watch))))

  const status = on('status', 'how a run is')
  status.action(async (id: string) => {
    const run = await withServer(status, ({ client }) => client.calls.pipelineRuns.get({ id }))
    if (globalsOf(status).json) return printJson(run)
    process.stdout.write(runDetails(run))
  })

  defineRuns(pipeline)
  defineTasks(on('tasks', 'the tasks of a run in the order of their dependencies'))

  const log = on('log', "a task's output, byte for byte; -f follows").argument(
    '<task>',
    'its name; NAME[2]: an instance',
  )
  addLogOptions(log.option('--item <n>', 'of a task that fans out: which instance', parseWhole)).action(
    (id: string, task: string, options: LogOptions & { item?: number }) =>
      showLog(log, ({ calls }) => jobOfTask(calls, id, unitNamed(task, options.item)), options),
  )

  const cancel = on('cancel', 'cancel a run, or one task of it').argument('[task]', 'only this one')
  cancel
    .option('--reason <text>', 'shown with the run')
    .option('--item <n>', 'of a task that fans out: which instance', parseWhole)
    .action(async (id: string, task: string | undefined, options: { reason?: string; item?: number }) => {
      const { reason, item } = options
      if (task === undefined && item !== undefined) throw new AppError('invalid_argument', '--item goes with a task')
      const done = await withServer(cancel, async ({ client: { calls } }) =>
        task === undefined
          ? { run: await calls.pipelineRuns.cancel({ id, reason }) }
          : { task: await calls.pipelineRuns.cancelTask({ id, ...unitNamed(task, item), reason }) },
      )
      if (globalsOf(cancel).json) return printJson(done.run ?? done.task)
      if (done.task) return print(`Task ${printable(done.task.name)} of ${id} is being cancelled`)
      print(done.run!.status === 'cancelled' ? `${id} is cancelled` : `${id} is being cancelled`)
    })

  defineRerun(on('rerun', 'run again what did not end well, as a new run of the same definition'))
  defineDecision(on('approve', 'approve a task that waits for somebody'), true)
  defineDecision(on('reject', 'reject a task that waits for somebody'), false)

  const rm = on('rm', 'delete an ended run with its jobs, their logs and artefacts')
  rm.option('-y, --yes', 'do it without asking').action(async (id: string, { yes }: { yes?: boolean }) => {
    refuseUnasked(yes, `runyard pipeline rm ${id}`)
    const done = await withServer(rm, async ({ client: { calls } }) => {
      const question = async (): Promise<string> => {
        const run = await calls.pipelineRuns.get({ id })
        return `Delete ${id} (${printable(run.pipeline)}), its ${plural(run.tasks.total, 'task')} and their logs?`
      }
      if (!(await agreed(yes, question))) return false
      await calls.pipelineRuns.delete({ id })
      return true
    })
    if (!done) return
    if (globalsOf(rm).json) return printJson({ id, deleted: true })
    print(`Deleted ${id}`)
  })
}

function defineRuns(pipeline: Command): void {
  const runs = pipeline.command('runs').argument('[name]', 'of one pipeline').summary('list runs')
  runs
    .description('list runs of pipelines, newest first')
    .option('--status <words>', runStatuses.join(', '), oneOfEach(runStatuses))
    .option('--owner <user>', 'runs of this user')
    .option('--limit <n>', 'how many', parseWithin(1, 200), 20)
    .action(async (pipelineName: string | undefined, options: { status?: string; owner?: string; limit: number }) => {
      const { status, owner, limit } = options
      const found = await withServer(runs, ({ client }) =>
        client.calls.pipelineRuns.list({ pipeline: pipelineName, status, owner, limit }),
      )
      if (globalsOf(runs).json) return printJson(found.runs)
      if (found.runs.length === 0) return notice('no run matches; runyard pipeline start NAME makes one')
      process.stdout.write(runTable(found.runs))
    })
}

function defineTasks(tasks: Command): void {
  tasks
    .option('--state <words>', taskStates.join(', '), oneOfEach(taskStates))
    .option('--no-items', 'without the instances of tasks that fan out')
    .action(async (id: string, { state, items }: { state?: string; items: boolean }) => {
      const found = await withServer(tasks, ({ client }) => client.calls.pipelineRuns.tasks({ id, state, items }))
      if (globalsOf(tasks).json) return printJson(found.tasks)
      if (found.tasks.length === 0) return notice('no task matches')
      process.stdout.write(taskTable(found.tasks))
    })
}

function defineDecision(command: Command, approve: boolean): void {
  command
    .argument('<task>', 'its name')
    .option('--note <text>', 'why, shown with the task')
    .option('--item <n>', 'of a task that fans out: which instance', parseWhole)
    .action(async (id: string, task: string, { note, item }: { note?: string; item?: number }) => {
      const done = await withServer(command, ({ client }) =>
        client.calls.pipelineRuns.decide({ id, ...unitNamed(task, item), approve, note }),
      )
      if (globalsOf(command).json) return printJson(done)
      print(`Task ${printable(task)} of ${id} is ${approve ? 'approved' : 'rejected'}`)
    })
}

/** `e[1]`, as `pipeline tasks` has it, is instance 1 of `e`; no name has brackets. */
export function unitNamed(text: string, item?: number): { task: string; item?: number } {
  const [, task, inBrackets] = /^(.*)\[(\d{1,5})\]$/.exec(text) ?? []
  if (task === undefined || item !== undefined) return { task: text, item }
  return { task, item: Number(inBrackets) }
}

async function jobOfTask(
  calls: ApiClient['calls'],
  id: string,
  { task: name, item }: ReturnType<typeof unitNamed>,
): Promise<string> {
  const wanted = item === undefined ? { id, items: false } : { id, name }
  const { tasks } = await calls.pipelineRuns.tasks(wanted)
  const task = tasks.find((one) => one.name === name && one.item === (item ?? null))
  if (task === undefined) {
    const names = tasks.map((one) => printable(one.name))
    const there = item === undefined ? `; there are: ${names.slice(0, 20).join(', ')}` : ''
    throw new AppError(
      'not_found',
      `run ${id} has no ${item === undefined ? 'task' : `instance ${item} of`} ${printable(name)}${there}`,
    )
  }
  if (task.job_id !== null) return task.job_id
  const why = task.waiting_reason ?? task.error
  throw new AppError(
    'not_found',
    `task ${printable(name)} has no job (${task.state})${why === null ? '' : `: ${printable(why)}`}`,
  )
}

export function runId(text: string): string {
  if (runIdPattern.test(text)) return text
  throw new InvalidArgumentError('is not the id of a run: 12 characters 0-9 and a-z, or a UUID')
}
