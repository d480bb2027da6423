/** Every exit code of the command line, in one place; `runyard help exit-codes` prints this table. */
import { constants } from 'node:os'
import type { JobState } from '../job/state.ts'

export const exitCodes = {
  ok: 0,
  /** The request was understood and did not succeed: unknown id, refused, server away. */
  failed: 1,
  /** Wrong command, option or value. */
  usage: 2,
  /** Only between `runyard` processes: another one holds this data directory. */
  held: 75,
  /** `run`: the job's time limit was over. */
  timeout: 124,
  /** `run`: Runyard's own error, wrong usage included, so that it is never taken for the job's code. */
  runyard: 125,
  /** 128 + SIGINT, 128 + SIGPIPE, … */
  interrupted: 130,
  killed: 137,
  brokenPipe: 141,
  terminated: 143,
} as const

export const exitCodeHelp = `Exit codes
  0          success
  1          the request failed: unknown id, refused, no server
  2          wrong command, option or value
  run only:
  the job's  the job ended by itself
  128+n      the job was ended by signal n (137: killed, e.g. for memory; 130 and 143: stopped)
  124        the job's time limit was over
  125        Runyard's own error: wrong option, refused, no server, lost`

export const signalNumber = (name: string): number | undefined =>
  (constants.signals as Record<string, number | undefined>)[name]

interface EndedJob {
  state: JobState
  result: { exit_code: number | null; signal: string | null } | null
}

/** What `run` exits with; `stopSignal` is the signal that made us cancel the job. */
export function exitCodeOfJob(job: EndedJob, stopSignal?: NodeJS.Signals): number {
  const { exit_code: code = null, signal = null } = job.result ?? {}
  const bySignal = signal === null ? undefined : signalNumber(signal)
  switch (job.state) {
    case 'succeeded':
      return code ?? exitCodes.ok
    case 'timed_out':
      return exitCodes.timeout
    case 'oom_killed':
      return exitCodes.killed
    case 'cancelled':
      return 128 + (signalNumber(stopSignal ?? 'SIGTERM') ?? 15)
    case 'failed':
      if (bySignal !== undefined) return 128 + bySignal
      return code === null || code === 0 ? exitCodes.runyard : code
    default:
      return exitCodes.runyard
  }
}
