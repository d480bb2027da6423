/** Follows a run to its end: a table that lives on a terminal, a line for each change elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { ApiClient } from '../api/client.ts'
import type { PipelineRun, PipelineTask } from '../api/contract/index.ts'
import { usualTimes, withPatience, type WatchOut, type WatchTimes } from './batch-watch.ts'
import { exitCodes } from './exit-codes.ts'
import { countsText, nameOfTask, statusColours, taskLooks, whyOf } from './pipeline-view.ts'
import { paint, printable } from './render.ts'
import { repeated } from './submit.ts'
import { showDuration } from './units.ts'

type Calls = Pick<ApiClient['calls'], 'pipelineRuns'>

/** The run once it has ended. Throws when `signal` comes before. */
export async function watchRun(
  calls: () => Calls,
  id: string,
  out: WatchOut,
  signal: AbortSignal,
  times: WatchTimes = usualTimes,
): Promise<PipelineRun> {
  const screen = new Screen(out)
  const patiently = withPatience(times, signal, () => screen.away())
  try {
    // One that never answered is a wrong address more often than a restart.
    let run = await repeated(() => calls().pipelineRuns.get({ id }, { signal }))
    for (;;) {
      const began = performance.now()
      // Read after the run: what ended with it is in here.
      const { tasks } = out.quiet
        ? { tasks: [] }
        : await patiently(() => calls().pipelineRuns.tasks({ id, items: false }, { signal }))
      screen.show(run, tasks)
      if (run.ended_at !== null) {
        screen.end(run)
        return run
      }
      // A run of 10,000 tasks is asked for less often.
      await sleep(Math.max(times.askMs, 3 * (performance.now() - began)), undefined, { signal })
      run = await patiently(() => calls().pipelineRuns.get({ id }, { signal }))
    }
  } finally {
    screen.leave()
  }
}

/** 0: succeeded; 130: cancelled; 1: failed. */
export function exitCodeOfRun({ status }: Pick<PipelineRun, 'status'>): number {
  if (status === 'succeeded') return exitCodes.ok
  return status === 'cancelled' ? exitCodes.interrupted : exitCodes.failed
}

class Screen {
  readonly #out: WatchOut
  readonly #told = new Map<string, string>()
  #lines = 0
  #waiting = ''

  constructor(out: WatchOut) {
    this.#out = out
  }

  show(run: PipelineRun, tasks: PipelineTask[]): void {
    if (this.#out.quiet) return
    const width = this.#out.width()
    if (width === undefined) return this.#tell(run, tasks)
    const lines = frame(run, tasks, { width, height: this.#out.height?.() ?? 24 })
    this.#out.write(`${this.#up()}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
    this.#lines = lines.length
  }

  /** What has changed since it was told last. */
  #tell(run: PipelineRun, tasks: PipelineTask[]): void {
    if (run.status === 'waiting' && run.waiting_reason !== null && this.#waiting === '') {
      this.#waiting = run.waiting_reason
      this.#out.write(`waiting: ${printable(run.waiting_reason)}\n`)
    }
    for (const task of tasks) {
      if (task.state === 'waiting' || this.#told.get(task.name) === task.state) continue
      this.#told.set(task.name, task.state)
      this.#out.write(`${taskLine(task)}\n`)
    }
  }

  away(): void {
    this.leave()
    this.#out.away?.()
  }

  end(run: PipelineRun): void {
    if (this.#out.quiet) return
    const took = run.duration_ms === null ? '' : ` in ${showDuration(run.duration_ms)}`
    const why = run.last_error === null ? '' : `; ${printable(run.last_error)}`
    this.#out.write(
      `${printable(run.pipeline)} ${paint(statusColours[run.status], run.status)}${took}: ${countsText(run.tasks)}${why}\n`,
    )
  }

  /** What stands there stays. */
  leave(): void {
    this.#lines = 0
  }

  #up(): string {
    return this.#lines === 0 ? '' : `\u001b[${this.#lines}A\r`
  }
}

function taskLine(task: PipelineTask): string {
  const { sign, colour } = taskLooks[task.state]
  const took = task.duration_ms === null ? '' : `  ${showDuration(task.duration_ms)}`
  const why = whyOf(task)
  const more = why === '' ? '' : `  ${paint('dim', printable(why))}`
  return `${paint(colour, sign)} ${nameOfTask(task)}  ${paint(colour, task.state)}${took}${more}`
}

/** The more a task concerns somebody who looks, the earlier; those that do not fit are counted. */
const rank = { running: 0, approval: 0, failed: 1, cancelled: 2, done: 3, waiting: 4, skipped: 5 } as const

/** Lines that fit the terminal; the last line is left for the cursor. */
export function frame(
  run: PipelineRun,
  tasks: PipelineTask[],
  { width, height }: { width: number; height: number },
): string[] {
  const took = run.duration_ms === null ? '' : `  ${showDuration(run.duration_ms)}`
  const waits = run.waiting_reason === null ? '' : `  ${printable(run.waiting_reason)}`
  const head = `${paint('bold', printable(run.pipeline))} ${run.id} ${paint(statusColours[run.status], run.status)}${took}${waits}`
  const room = Math.max(1, height - 4)
  const shown =
    tasks.length <= room
      ? tasks
      : tasks
          .toSorted((a, b) => rank[a.state] - rank[b.state])
          .slice(0, room)
          .toSorted((a, b) => tasks.indexOf(a) - tasks.indexOf(b))
  const hidden = tasks.length - shown.length
  const lines = [head, ...shown.map(taskLine)]
  if (hidden > 0) lines.push(paint('dim', `… and ${hidden} more: ${countsText(run.tasks, false)}`))
  return lines.map((line) => fitting(line, width - 1))
}

/** A line that is too long loses its colours too: a cut in the middle of them would colour all that follows. */
function fitting(line: string, width: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= width ? line : `${plain.slice(0, Math.max(0, width - 1))}…`
}
