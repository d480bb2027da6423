/** Follows a batch to its end: a bar on a terminal, lines elsewhere; jobs that fail are told as they do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api/client.ts'
import type { Batch, Job } from '../api/contract/index.ts'
import { statesOfBatchWord } from '../job/status-word.ts'
import { isAppError, type AppError } from '../lib/app-error.ts'
import { countsText, progressLine } from './batch-bar.ts'
import { statusColours } from './batch-view.ts'
import { exitCodes } from './exit-codes.ts'
import { paint, printable } from './render.ts'
import { repeated } from './submit.ts'
import { plural, showDuration } from './units.ts'

type Calls = Pick<ApiClient['calls'], 'batches' | 'jobs'>

export interface WatchOut {
  write(text: string): void
  /** Of a terminal; undefined: lines for a file, rarely. */
  width(): number | undefined
  /** Lines of a terminal. */
  height?(): number
  /** Nothing but the end is wanted. */
  quiet: boolean
  /** The server has been away for a while. */
  away?(): void
}

export interface WatchTimes {
  askMs: number
  /** Between two lines where there is no terminal. */
  lineMs: number
  /** For a server that does not answer any more. */
  patienceMs: number
  /** One that restarts is back by then. */
  tellAwayMs: number
}
export const usualTimes: WatchTimes = { askMs: 500, lineMs: 10_000, patienceMs: 60_000, tellAwayMs: 2_000 }

/** More failures than this are for the list: `runyard ls --batch`. */
const mostFailures = 20

/** The batch once it has ended. Throws when `signal` comes before. `calls`: of the server that is there now. */
export async function watchBatch(
  calls: () => Calls,
  id: string,
  out: WatchOut,
  signal: AbortSignal,
  times: WatchTimes = usualTimes,
): Promise<Batch> {
  const screen = new Screen(out, times.lineMs)
  const told = new Set<string>()
  const patiently = withPatience(times, signal, () => screen.away())
  try {
    // One that never answered is a wrong address more often than a restart.
    let batch = await repeated(() => calls().batches.get({ id }, { signal }))
    for (;;) {
      if (!out.quiet && batch.counts.failed > told.size && told.size < mostFailures) {
        for (const job of await patiently(() => newFailures(calls(), id, told, signal))) screen.tell(failureLine(job))
        if (told.size >= mostFailures && batch.counts.failed > told.size) {
          screen.tell(`more have failed: runyard ls --batch ${id} --state failed`)
        }
      }
      if (batch.ended_at !== null) {
        screen.end(batch)
        return batch
      }
      screen.show(batch)
      await sleep(times.askMs, undefined, { signal })
      batch = await patiently(() => calls().batches.get({ id }, { signal }))
    }
  } finally {
    screen.clear()
  }
}

/** 0: all passed; 130: cancelled; 1: something did not pass. */
export function exitCodeOfBatch({ status }: Pick<Batch, 'status'>): number {
  if (status === 'passed') return exitCodes.ok
  return status === 'cancelled' ? exitCodes.interrupted : exitCodes.failed
}

export const withPatience =
  ({ askMs, patienceMs, tellAwayMs }: WatchTimes, signal: AbortSignal, onAway: () => void) =>
  async <T>(call: () => Promise<T>): Promise<T> => {
    const lostAt = performance.now()
    for (let told = false; ;) {
      try {
        return await call()
      } catch (error) {
        const away = performance.now() - lostAt
        if (!isAway(error) || away > patienceMs) throw error
        if (!told && away >= tellAwayMs) {
          onAway()
          told = true
        }
        await sleep(askMs, undefined, { signal })
      }
    }
  }

export const isAway = (error: unknown): error is AppError =>
  isAppError(error) && (error.code === 'unavailable' || error.code === 'deadline_exceeded')

/** Also of members that were submitted before others that failed earlier, so as many more as were told. */
async function newFailures(calls: Calls, id: string, told: Set<string>, signal: AbortSignal): Promise<Job[]> {
  const limit = mostFailures + told.size
  const failed = { batch_id: id, state: statesOfBatchWord('failed').join(','), limit }
  const { jobs } = await calls.jobs.list(failed, { signal })
  const fresh = jobs.filter((job) => !told.has(job.id)).slice(0, mostFailures - told.size)
  for (const job of fresh) told.add(job.id)
  return fresh.toReversed()
}

function failureLine({ id, name, state, result }: Job): string {
  const why = result?.exit_code == null ? state.replaceAll('_', ' ') : `exit ${result.exit_code}`
  return `${paint('red', '✗')} ${printable(name)}  ${paint('dim', `${why}  runyard log ${id}`)}`
}

/** The bar is the last line of the terminal, and all else is written above it. */
class Screen {
  readonly #out: WatchOut
  readonly #lineMs: number
  #barShown = false
  #last = ''
  #lineAt = -Infinity

  constructor(out: WatchOut, lineMs: number) {
    this.#out = out
    this.#lineMs = lineMs
  }

  show(batch: Batch): void {
    const width = this.#out.width()
    if (this.#out.quiet) return
    if (width !== undefined) {
      this.#out.write(`\r${progressLine(batch, width - 1)}\u001b[K`)
      this.#barShown = true
      return
    }
    const line = countsText(batch.counts)
    if (line === this.#last || performance.now() - this.#lineAt < this.#lineMs) return
    this.#last = line
    this.#lineAt = performance.now()
    this.#out.write(`${line}\n`)
  }

  tell(line: string): void {
    this.clear()
    this.#out.write(`${line}\n`)
  }

  away(): void {
    this.clear()
    this.#out.away?.()
  }

  end(batch: Batch): void {
    this.clear()
    if (this.#out.quiet) return
    const took = batch.duration_ms === null ? '' : ` in ${showDuration(batch.duration_ms)}`
    const tests = batch.tests === null ? '' : `; ${plural(batch.tests.total, 'test')}, ${batch.tests.failed} failed`
    this.#out.write(
      `${printable(batch.name)} ${paint(statusColours[batch.status], batch.status)}${took}: ${countsText(batch.counts)}${tests}\n`,
    )
  }

  clear(): void {
    if (this.#barShown) this.#out.write('\r\u001b[K')
    this.#barShown = false
  }
}
