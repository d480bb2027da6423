import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Job } from '../../api/contract/index.ts'
import { isTerminal } from '../../job/state.ts'
import { AppError } from '../../lib/app-error.ts'
import { connect, type Connection } from '../connect.ts'
import { exitCodeOfJob, exitCodes, signalNumber } from '../exit-codes.ts'
import { globalsOf, type Globals } from '../globals.ts'
import { addJobOptions, specOf, type JobOptions } from '../job-options.ts'
import { pourLog } from '../pour-log.ts'
import { onStop, type StopSignal } from '../process-life.ts'
import { ReaderGone } from '../raw-output.ts'
import { notice } from '../render.ts'
import { refuseWithoutSandbox } from '../sandbox-missing.ts'
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
  const connection = await connect(command, {
    start: 'ephemeral',
    runner: true,
    beforeLocal: () => refuseWithoutSandbox(spec),
  })
  try {
    if (stop.signal !== undefined) return stoppedCode(stop)
    const job = await submit(connection.client, spec, options.idempotencyKey)
    connection.local?.bindJob(job.id)
    notice(`job ${job.id}`, globals.verbose)
    const ended = await attend(connection, job, globals, stop)
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

/** Follows the job to its end. */
async function attend(connection: Connection, job: Job, globals: Globals, stop: Stop): Promise<Job> {
  const { client } = connection
  const cancel = (reason: string, force = false): void => {
    void repeated(() => client.calls.jobs.cancel({ id: job.id, reason, force })).catch(() => {})
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
  void connection.local?.trouble.then((message) => {
    trouble = message
    cancel(message)
  })
  const settled = new AbortController()
  const waiting = tellWhyItWaits(connection, job.id, globals, settled.signal)
  try {
    if (globals.json) process.stdout.write(`${JSON.stringify({ type: 'job', job })}\n`)
    await pourLog(client.followLog({ jobId: job.id }), { json: globals.json }).catch((error: unknown) => {
      if (!(error instanceof ReaderGone)) throw error
      // As SIGPIPE would: nobody reads any more, so the job has no purpose.
      stop.readerGone = true
      cancel('its output is no longer read')
    })
    const ended = await untilEnded(connection, job.id)
    if (trouble !== undefined && ended.started_at === null) throw new AppError('unavailable', trouble)
    if (globals.json) process.stdout.write(`${JSON.stringify({ type: 'end', job: ended })}\n`)
    return ended
  } finally {
    settled.abort()
    await waiting
  }
}

/** The log's end and the job's end are two facts; the second may come a little later. */
async function untilEnded({ client }: Connection, id: string): Promise<Job> {
  for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
    const job = await repeated(() => client.calls.jobs.get({ id }))
    if (isTerminal(job.state)) return job
    await sleep(pause)
  }
}

/** A runner that was started with its server, just now, needs a moment. */
const patienceMs = (local: Connection['local']): number => (local?.started ? 6000 : 1500)

/** A job that does not start says why, once per reason. */
async function tellWhyItWaits(
  { client, local }: Connection,
  id: string,
  globals: Globals,
  signal: AbortSignal,
): Promise<void> {
  if (!process.stderr.isTTY && !globals.verbose) return
  let told = ''
  try {
    for (;;) {
      await sleep(patienceMs(local), undefined, { signal })
      const job = await client.calls.jobs.get({ id })
      if (job.started_at !== null) return
      const why = job.waiting_reason?.text ?? ''
      if (why !== '' && why !== told) notice(`waiting: ${why}`, globals.verbose)
      told = why
    }
  } catch {
    // Either the job has ended, or the follower meets the same trouble and reports it.
  }
}

const oursToExplain = new Set(['start', 'refused', 'lost', 'infrastructure'])

function explain(job: Job, globals: Globals): void {
  const { result } = job
  if (result === null) return
  const why = result.message ?? ''
  // What the job itself could not say: it never ran, or we lost it.
  if (result.error_class !== null && oursToExplain.has(result.error_class))
    process.stderr.write(`runyard: ${why || job.state}\n`)
  else if (job.state !== 'succeeded' && result.error_class !== 'exit') {
    notice(why === '' || why === job.state ? job.state : `${job.state}: ${why}`, globals.verbose)
  }
  if (result.unenforced.length > 0)
    notice(`this host could not hold: ${result.unenforced.join(', ')} (runyard doctor)`, globals.verbose)
}
