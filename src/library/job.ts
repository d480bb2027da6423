/** `startJob` and what it answers. */
import { StartRefused, type RunningAttempt } from '../executors/index.ts'
import { onPath } from '../executors/launcher/spawn-launcher.ts'
import { setupLine } from '../executors/setup-line.ts'
import { AppError, type ErrorCode } from '../lib/app-error.ts'
import { newPublicId } from '../lib/ids.ts'
import { inOptions, jobRequest, type JobOptions, type JobRequest } from './options.ts'
import { jobOutcome, translatedUsage, type JobOutcome, type JobUsage } from './outcome.ts'
import { JobOutput } from './output.ts'
import { OutputReader, type LogReader, type ReaderOptions } from './reader.ts'
import { openSession, type Session } from './session.ts'

export type JobStatus = 'running' | 'completed' | 'failed' | 'terminated'

export interface Job extends AsyncDisposable {
  /** 12 characters that cannot be guessed. */
  readonly id: string
  readonly name: string
  readonly startedAt: Date
  /** Default limits that this host cannot hold. */
  readonly unenforced: readonly string[]
  /** How it ended; the same as `wait()`. */
  readonly result: Promise<JobOutcome>
  getStatus(): JobStatus
  wait(): Promise<JobOutcome>
  /** SIGTERM to the whole process tree, SIGKILL after the grace, or at once with `force`. Resolves when 0 processes remain. */
  stop(options?: { force?: boolean }): Promise<JobOutcome>
  /** Of the whole process tree, so far. */
  usage(): Promise<JobUsage>
  newLogReader(options?: ReaderOptions): LogReader
  /** Ends the job if it still runs, and removes its output. */
  close(): Promise<void>
}

/** An attempt that runs until its program ends: the launcher sees that, no deadline has to be moved. */
const asLongAsWeLive = 366 * 86_400_000

export function startJob(command: string, options: JobOptions): Promise<Job>
export function startJob(command: string, ...args: string[]): Promise<Job>
export function startJob(command: string, ...args: [...string[], Omit<JobOptions, 'args'>]): Promise<Job>
export async function startJob(command: string, ...rest: unknown[]): Promise<Job> {
  const request = jobRequest(command, rest)
  if (request.spec.isolation === 'full' && onPath('bwrap') === null) throw noSandbox()
  const session = await openSession()
  const id = newPublicId()
  const slot = session.takeSlot()
  try {
    const attempt = await session.executor.start(orderOf(id, slot, request))
    const free = (): void => session.free(slot)
    attempt.ended.then(free, free)
    return new StartedJob(id, request, attempt, session)
  } catch (error) {
    session.free(slot)
    throw error instanceof StartRefused ? refused(error) : error
  }
}

const orderOf = (id: string, slot: number, request: JobRequest) => ({
  key: id,
  spec: request.spec,
  env: { ...request.env, RUNYARD_JOB_ID: id },
  secretEnv: request.secretEnv,
  limits: request.limits,
  named: request.named,
  timeoutMs: request.timeoutMs,
  stopGraceMs: request.spec.stop_grace_seconds * 1000,
  slot,
  keepForMs: asLongAsWeLive,
  note: null,
})

const noSandbox = (): AppError =>
  new AppError(
    'failed_precondition',
    `bubblewrap is missing, and without it nothing is isolated: \`${setupLine}\` installs it`,
  )

const codes: Record<StartRefused['errorClass'], ErrorCode> = {
  start: 'invalid_argument',
  refused: 'failed_precondition',
  infrastructure: 'unavailable',
  unreachable: 'unavailable',
}
/** The executor speaks of a runner and of the job document, which a caller of this library never sees. */
function refused(error: StartRefused): AppError {
  const message = inOptions(error.message.replaceAll('this runner', 'this host'))
  const field = fieldIn(message)
  const fields = field === undefined ? [] : [{ field, message }]
  return new AppError(codes[error.errorClass], message, { cause: error, fields })
}

/** By the words in which `executors/sandbox` refuses. */
function fieldIn(message: string): string | undefined {
  const limit = /^the limit (\w+) cannot/.exec(message)?.[1]
  if (limit !== undefined) return `limits.${limit}`
  if (/^(workingDir\b|cannot enter the working directory)/.test(message)) return 'workingDir'
  return /^(bind\b|binds need|\S+ can never be bound)/.test(message) ? 'binds' : undefined
}

/** Nobody has these jobs any more: their output goes when they have ended. */
const forgotten = new FinalizationRegistry<RunningAttempt>((attempt) => {
  const release = (): void => void attempt.release().catch(() => {})
  attempt.ended.then(release, release)
})

class StartedJob implements Job {
  readonly id: string
  readonly name: string
  readonly startedAt: Date
  readonly unenforced: readonly string[]
  readonly #attempt: RunningAttempt
  readonly #session: Session
  readonly #output: JobOutput
  readonly #graceMs: number
  readonly #outcome: Promise<JobOutcome>
  #ended: JobOutcome | undefined
  #closing: Promise<void> | undefined

  constructor(id: string, request: JobRequest, attempt: RunningAttempt, session: Session) {
    this.id = id
    this.name = request.spec.name
    this.startedAt = attempt.startedAt
    this.unenforced = attempt.unenforced
    this.#attempt = attempt
    this.#session = session
    this.#graceMs = request.spec.stop_grace_seconds * 1000
    this.#output = new JobOutput(attempt, session.hold)
    this.#outcome = jobOutcome(attempt, request)
    this.#outcome.then(
      (outcome) => (this.#ended = outcome),
      () => {},
    )
    forgotten.register(this.#output, attempt, this.#output)
  }

  get result(): Promise<JobOutcome> {
    return this.wait()
  }

  async wait(): Promise<JobOutcome> {
    const letGo = this.#session.hold()
    try {
      return await this.#outcome
    } finally {
      letGo()
    }
  }

  getStatus(): JobStatus {
    return this.#ended?.status ?? 'running'
  }

  async stop({ force = false }: { force?: boolean } = {}): Promise<JobOutcome> {
    const letGo = this.#session.hold()
    try {
      await this.#attempt.stop('cancelled', force ? 0 : this.#graceMs)
      const outcome = await this.#outcome
      if (outcome.remainingProcesses === 0) return outcome
    } finally {
      letGo()
    }
    throw new AppError('unavailable', `job ${this.id} has processes that the kernel cannot end (disk or network hangs)`)
  }

  async usage(): Promise<JobUsage> {
    return this.#ended?.usage ?? translatedUsage(await this.#attempt.usage())
  }

  newLogReader(options?: ReaderOptions): LogReader {
    return new OutputReader(this.#output, options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    forgotten.unregister(this.#output)
    if (this.#ended === undefined) await this.stop()
    this.#output.close()
    await this.#attempt.release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
