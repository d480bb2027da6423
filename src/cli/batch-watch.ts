/** Follows a batch to its end: a bar on a terminal, lines elsewhere; jobs that fail are told as they do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api/client.ts'
import type { Batch, Job } from '../api/contract/index.ts'
import { statesOfBatchWord } from '../job/status-word.ts'
import { isAppError } from '../lib/app-error.ts'
import { countsText, progressLine } from './batch-bar.ts'
import { statusColours } from './batch-view.ts'
import { exitCodes } from './exit-codes.ts'
import { paint, printable } from './render.ts'
import { plural, showDuration } from './units.ts'

type Calls = Pick<ApiClient['calls'], 'batches' | 'jobs'>

export interface WatchOut {
  write(text: string): void
  /** Of a terminal; undefined: lines for a file, rarely. */
  width(): number | undefined
  /** Nothing but the end is wanted. */
  quiet: boolean
}

export interface WatchTimes {
  askMs: number
  /** Between two lines where there is no terminal. */
  lineMs: number
  /** For a server that does not answer. */
  patienceMs: number
}
const usualTimes: WatchTimes = { askMs: 500, lineMs: 10_000, patienceMs: 60_000 }

/** More failures than this are for the list: `runyard ls --batch`. */
const mostFailures = 20

/** The batch once it has ended. Throws when `signal` comes before. */
export async function watchBatch(
  calls: Calls,
  id: string,
  out: WatchOut,
  signal: AbortSignal,
  times: WatchTimes = usualTimes,
): Promise<Batch> {
  const screen = new Screen(out, times.lineMs)
  const told = new Set<string>()
  try {
    for (;;) {
      const batch = await patiently(() => calls.batches.get({ id }), times, signal)
      if (!out.quiet && batch.counts.failed > told.size && told.size < mostFailures) {
        for (const job of await newFailures(calls, id, told)) screen.tell(failureLine(job))
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

async function patiently<T>(
  call: () => Promise<T>,
  { askMs, patienceMs }: WatchTimes,
  signal: AbortSignal,
): Promise<T> {
  for (const giveUpAt = performance.now() + patienceMs; ;) {
    try {
      return await call()
    } catch (error) {
      const away = isAppError(error) && (error.code === 'unavailable' || error.code === 'deadline_exceeded')
      if (!away || performance.now() > giveUpAt) throw error
      await sleep(askMs, undefined, { signal })
    }
  }
}

/** Also of members that were submitted before others that failed earlier, so as many more as were told. */
async function newFailures(calls: Calls, id: string, told: Set<string>): Promise<Job[]> {
  const limit = mostFailures + told.size
  const { jobs } = await calls.jobs.list({ batch_id: id, state: statesOfBatchWord('failed').join(','), limit })
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
