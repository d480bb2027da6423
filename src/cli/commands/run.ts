import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { Job } from '../../api/contract/index.ts'
import { isTerminal } from '../../job/state.ts'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { connect, type Connection } from '../connect.ts'
import { exitCodeOfJob, exitCodes, signalNumber } from '../exit-codes.ts'
import { followJob, orGone, ServerGone, type Followed } from '../follow-job.ts'
import { globalsOf, type Globals } from '../globals.ts'
import { addJobOptions, refuseRelativePaths, specOf, type JobOptions } from '../job-options.ts'
import { stayedAway, watchFollowing, type Following } from '../lost-server.ts'
import { pourLog } from '../pour-log.ts'
import { onStop, type StopSignal } from '../process-life.ts'
import { ReaderGone, writeLine } from '../raw-output.ts'
import { notice } from '../render.ts'
import { refuseWithoutSandbox } from '../sandbox-missing.ts'
import { showDuration } from '../units.ts'
import { emptyCommand, repeated, submit } from '../submit.ts'

export function define(command: Command): void {
  command.argument('[command...]', 'what to run; options of Runyard come before it').passThroughOptions()
  addJobOptions(command)
  command.addHelpText(
    'after',
    '\nOnly the job writes to stdout and stderr; notices appear on a terminal or with -v. With no server running, one is\n' +
      'started for as long as it is needed. The first Ctrl-C stops the job and waits for its end, the second\n' +
      'kills it, the third leaves at once.',
  )
  command.action(async (words: string[], options: JobOptions) => {
    process.exitCode = await run(command, words, options)
  })
}

async function run(command: Command, words: string[], options: JobOptions): Promise<number> {
  if (words.length === 0) throw emptyCommand('run')
  const globals = globalsOf(command)
  const spec = specOf(words, options)
  const stop = listenForStop()
  const opened = await connect(command, {
    start: 'ephemeral',
    runner: true,
    beforeLocal: () => refuseWithoutSandbox(spec),
  })
  let connection = opened
  try {
    if (stop.signal !== undefined) return stoppedCode(stop)
    if (connection.local === undefined) refuseRelativePaths(options)
    const job = await submit(opened.client, spec, options.idempotencyKey)
    notice(`job ${job.id}`, globals.verbose)
    const ended = await attend(opened, (to) => (connection = to), job, globals, stop)
    stop.settled()
    explain(ended, globals)
    return stop.readerGone ? exitCodes.brokenPipe : exitCodeOfJob(ended, stop.signal)
  } finally {
    await connection.close()
  }
}

interface Stop {
  /** The first signal. */
  signal: StopSignal | undefined
  readerGone: boolean
  /** What the first and the second signal do, also when they came before this. */
  on(first: () => void, second: () => void): void
  /** The end is known: a second signal's patience has no purpose any more. */
  settled(): void
}

/** SIGKILL needs moments; a server or runner that does not answer must not hold the caller. */
const killPatienceMs = 10_000

function listenForStop(): Stop {
  let heard = 0
  let patience: NodeJS.Timeout | undefined
  let acts: (() => void)[] = []
  const stop: Stop = {
    signal: undefined,
    readerGone: false,
    on(...given) {
      acts = given
      for (const act of acts.slice(0, heard)) act()
    },
    settled: () => clearTimeout(patience),
  }
  // As if killed, whatever hangs: a server of this machine then cancels the job that is bound to us.
  const leave = (): never => process.exit(stoppedCode(stop))
  onStop((signal) => {
    stop.signal ??= signal
    if (heard === 2) leave()
    if (heard === 1) patience = setTimeout(leave, killPatienceMs).unref()
    acts[heard]?.()
    heard += 1
  })
  return stop
}

const stoppedCode = ({ signal = 'SIGINT' }: Stop): number => 128 + signalNumber(signal)!

/** A server that answers again within this time is taken for the same one. */
const restartPatienceMs = 5000

/** Follows the job to its end, also on a server that took the place of the first. */
async function attend(
  first: Connection,
  onMove: (to: Connection) => void,
  job: Job,
  globals: Globals,
  stop: Stop,
): Promise<Job> {
  const { id } = job
  let { client } = first
  const following = { url: first.url, jobId: id, verbose: globals.verbose }
  const cancel = (reason: string, force = false): void => {
    void repeated(() => client.calls.jobs.cancel({ id, reason, force })).catch(() => {})
  }
  stop.on(
    () => {
      notice('stopping the job; once more to kill it', globals.verbose)
      cancel(`${stop.signal} at runyard run`)
    },
    () => {
      notice('killing the job; once more to leave at once', globals.verbose)
      cancel(`${stop.signal} at runyard run, twice`, true)
    },
  )
  let trouble: string | undefined
  let server: Followed
  const settled = new AbortController()
  const attached = (connection: Connection): Followed => {
    connection.local?.bindJob(id)
    void connection.local?.trouble.then((message) => {
      trouble = message
      cancel(message)
    })
    const next = nextServer(connection, settled.signal).then((other) => {
      if (other === undefined) return undefined
      onMove(other)
      client = other.client
      return (server = attached(other))
    })
    return { client: connection.client, nextServer: () => next }
  }
  server = attached(first)
  const waiting = tellWhyItWaits(() => client, first.local?.started === true, id, globals, settled.signal)
  try {
    await pour(server, job, globals, following).catch((error: unknown) => {
      if (!(error instanceof ReaderGone)) throw error
      // As SIGPIPE would: nobody reads any more, so the job has no purpose.
      stop.readerGone = true
      cancel('its output is no longer read')
    })
    const ended = await untilEnded(() => server, id).catch((error: unknown) => {
      throw isAppError(error) && error.code === 'unavailable' ? stayedAway(following, error) : error
    })
    if (trouble !== undefined && ended.started_at === null) throw new AppError('unavailable', trouble)
    if (globals.json && !stop.readerGone) await writeLine(1, { type: 'end', job: ended })
    return ended
  } catch (error) {
    if (!(error instanceof ServerGone)) throw error
    throw new AppError('unavailable', `the server ended; job ${id} may still be running: runyard log -f ${id}`)
  } finally {
    settled.abort()
    await waiting
  }
}

async function pour(server: Followed, job: Job, { json, verbose }: Globals, following: Following): Promise<void> {
  if (json) await writeLine(1, { type: 'job', job })
  const { guard, onAway } = watchFollowing(following)
  await pourLog(guard(followJob(server, job.id, onAway)), { json, verbose })
}

/** Of this machine only: whether a server elsewhere has ended or is out of reach cannot be told apart. */
async function nextServer(connection: Connection, settled: AbortSignal): Promise<Connection | undefined> {
  if (connection.local === undefined) return new Promise(() => {})
  await connection.local.closed
  return settled.aborted ? undefined : connection.rejoin(restartPatienceMs).catch(() => undefined)
}

/** The log's end and the job's end are two facts; the second may come a little later. */
async function untilEnded(server: () => Followed, id: string): Promise<Job> {
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const now = server()
    const job = await orGone(
      now,
      repeated(() => now.client.calls.jobs.get({ id })),
    )
    if (job !== undefined && isTerminal(job.state)) return job
    await sleep(pause)
  }
}

const tellAfterMs = 2000
/** A runner that was started with its server, just now, needs a moment. */
const runnerComesMs = 6000

/** A job that does not start says why, once per reason. */
async function tellWhyItWaits(
  client: () => ApiClient,
  startedNow: boolean,
  id: string,
  globals: Globals,
  signal: AbortSignal,
): Promise<void> {
  if (!process.stderr.isTTY && !globals.verbose) return
  const runnerIsHereAt = performance.now() + (startedNow ? runnerComesMs : 0)
  let told = ''
  try {
    for (;;) {
      await sleep(tellAfterMs, undefined, { signal })
      const { waiting_reason: why } = await client().calls.jobs.get({ id })
      if (signal.aborted) return
      if (why === null || why.code === 'ready' || why.text === told) continue
      if (why.code === 'no_matching_runner' && performance.now() < runnerIsHereAt) continue
      notice(`waiting: ${why.text}`, globals.verbose)
      told = why.text
    }
  } catch {
    // Either the job has ended, or the follower meets the same trouble and reports it.
  }
}

const oursToExplain = new Set(['start', 'refused', 'lost', 'infrastructure'])

const testLine = ({ total, passed, failed, skipped, duration_ms: ms }: NonNullable<Job['tests']>): string =>
  `${total} ${total === 1 ? 'test' : 'tests'}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${showDuration(ms)}`

function explain(job: Job, globals: Globals): void {
  const { result } = job
  if (result === null) return
  const why = result.message ?? ''
  // What the job itself could not say: it never ran, or we lost it.
  if (result.error_class !== null && oursToExplain.has(result.error_class))
    process.stderr.write(`runyard: ${why || job.state}\n`)
  else if (job.state !== 'succeeded' && result.error_class !== 'exit') {
    notice(why.startsWith(job.state) ? why : `${job.state}${why && `: ${why}`}`, globals.verbose)
  }
  // Beside how it ended: a report that is not there or is broken.
  else if (job.junit !== undefined && why !== '') notice(why, globals.verbose)
  if (job.tests !== null) notice(testLine(job.tests), globals.verbose)
  if (result.unenforced.length > 0)
    notice(`this host could not hold: ${result.unenforced.join(', ')} (runyard doctor)`, globals.verbose)
}
