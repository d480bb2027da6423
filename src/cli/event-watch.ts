/** Following a run of an event: its output as it comes, then how it ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventRun } from '../api/contract/index.ts'
import { isTerminal } from '../job/state.ts'
import { AppError } from '../lib/app-error.ts'
import type { Connection } from './connect.ts'
import { exitCodes } from './exit-codes.ts'
import type { Globals } from './globals.ts'
import { watchFollowing } from './lost-server.ts'
import { pourLog } from './pour-log.ts'
import { notice, printable, printJson } from './render.ts'
import { untilStopped } from './until-stopped.ts'

const lookMs = 300

/** Its result is our exit code. `log`: with its output. */
export async function followEventRun(
  connection: Connection,
  first: EventRun,
  { log, globals }: { log: boolean; globals: Globals },
): Promise<void> {
  const { json, verbose } = globals
  const whatThen = `no longer following; the run goes on: runyard event run-show ${first.id}, or runyard event cancel ${first.id}`
  await untilStopped(whatThen, async (signal) => {
    let run = first
    // What is printed as JSON is the run.
    if (log && !json && run.pipeline_run_id === null) {
      run = await until(connection, run, (now) => now.job_id !== null || isTerminal(now.state), signal)
      if (run.job_id !== null) await pour(connection, run.job_id, verbose, signal)
    }
    run = await until(connection, run, (now) => isTerminal(now.state), signal)
    if (json) printJson(run)
    else notice(howItEnded(run), verbose || run.status !== 'completed')
    process.exitCode = exitCodeOfEventRun(run)
  })
}

async function until(
  { client }: Connection,
  first: EventRun,
  done: (run: EventRun) => boolean,
  signal: AbortSignal,
): Promise<EventRun> {
  let run: EventRun = first
  for (;;) {
    if (done(run)) return run
    await sleep(lookMs, undefined, { signal })
    run = await client.calls.eventRuns.get({ id: run.id }, { signal })
  }
}

async function pour({ client, url }: Connection, jobId: string, verbose: boolean, signal: AbortSignal): Promise<void> {
  const { guard, onAway } = watchFollowing({ url, jobId, verbose, stream: 'all', offset: 0 })
  try {
    const events = client.followLog({ jobId }, signal, onAway)
    await pourLog(guard(events), { json: false, verbose })
  } catch (error) {
    // Of somebody else's event: the run may be seen, its log is its owner's.
    if (error instanceof AppError && error.code === 'not_found') return notice('its log is its owner’s to see', true)
    throw error
  }
}

/** In words, with what its job says beyond `failed`. */
export function howItEnded({
  id,
  status,
  state,
  exit_code: code,
  error,
}: Pick<EventRun, 'id' | 'status' | 'state' | 'exit_code' | 'error'>): string {
  const more = [state === status || status === 'completed' ? null : state, code ? `exit code ${code}` : null, error]
  return [`run ${id}: ${status}`, ...more.filter((word) => word !== null)].map(printable).join(', ')
}

/** 0: completed; 130: cancelled; 1: failed. */
export function exitCodeOfEventRun({ status }: Pick<EventRun, 'status'>): number {
  if (status === 'completed') return exitCodes.ok
  return status === 'cancelled' ? exitCodes.interrupted : exitCodes.failed
}
