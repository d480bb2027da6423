/** One job's output as its readers share it: records in a file, told of its growth. A reader adds nothing but its place. */
import type { AttemptLog, RunningAttempt } from '../executors/index.ts'
import { AppError } from '../lib/app-error.ts'

export class JobOutput {
  readonly #log: AttemptLog
  readonly #hold: () => () => void
  readonly #waiting = new Set<() => void>()
  #over = false
  #closed = false

  /** `hold`: keeps this process alive while somebody waits. */
  constructor({ log, ended }: Pick<RunningAttempt, 'log' | 'ended'>, hold: () => () => void) {
    this.#log = log
    this.#hold = hold
    // Knows nothing of `this`: the executor keeps the log, and must not keep what nobody else has.
    log.onGrown(wakerOf(this.#waiting))
    const end = (): void => {
      this.#over = true
      wakerOf(this.#waiting)()
    }
    ended.then(end, end)
  }

  /** Bytes of whole records so far. */
  get length(): number {
    return this.#log.length()
  }
  /** No more will come. */
  get over(): boolean {
    return this.#over
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (this.#closed) throw closedError()
    return this.#log.read(offset, into)
  }

  /** Resolves when there is something behind `offset`, or nothing more will come. */
  async grown(offset: number, signal?: AbortSignal): Promise<void> {
    const letGo = this.#hold()
    try {
      while (this.length <= offset && !this.#over) {
        signal?.throwIfAborted()
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            this.#waiting.delete(wake)
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          this.#waiting.add(wake)
          signal?.addEventListener('abort', wake)
        })
      }
    } finally {
      letGo()
    }
  }

  close(): void {
    this.#closed = true
  }
}

const wakerOf = (waiting: Set<() => void>) => (): void => {
  for (const wake of [...waiting]) wake()
}

const closedError = (): AppError =>
  new AppError('failed_precondition', 'the job was closed, and its output went with it: read it before close()')
