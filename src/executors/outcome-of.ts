/** What an attempt's end means to its user. Pure; the first reason is kept: a timeout that needed a kill is a timeout. */
import type { Ended, StartRefused, StopReason } from './executor.ts'
import type { Outcome } from '../job/outcome.ts'
import { size } from '../lib/byte-size.ts'

export interface EndInput {
  ended: Ended
  timeoutMs: number
  memoryBytes: number
  /** Of a job whose set-up and clean-up have budgets of their own. */
  cleanupMs?: number | undefined
}

export function outcomeOf({ ended, timeoutMs, memoryBytes, cleanupMs }: EndInput): Outcome {
  const { reason } = ended
  const facts: Outcome = {
    state: 'succeeded',
    exit_code: ended.exitCode,
    signal: ended.signal,
    started_at: ended.startedAt.toISOString(),
    ended_at: ended.endedAt.toISOString(),
    usage: ended.usage,
    remaining_processes: ended.remaining,
    unenforced: ended.unenforced,
    ...(ended.oomKills > 0 ? { oom_kills: ended.oomKills } : {}),
    ...(ended.hosts === undefined ? {} : { hosts: ended.hosts }),
  }
  if (reason === 'cancelled') return { ...facts, state: 'cancelled', message: 'cancelled' }
  if (reason === 'timeout') {
    const message =
      cleanupMs === undefined
        ? `timed out after ${seconds(timeoutMs)}`
        : `its command ran for longer than ${seconds(timeoutMs)}`
    return { ...facts, state: 'timed_out', error_class: 'timeout', message }
  }
  if (reason === 'lease_lost' || reason === 'keeper') {
    return { ...facts, state: 'lost', error_class: 'lost', message: leaseLostMessage }
  }
  if (reason === 'shutdown') {
    return {
      ...facts,
      state: 'failed',
      error_class: 'infrastructure',
      message: 'stopped because its runner shut down; run it again with: runyard rerun',
    }
  }
  if (ended.oomKilled) {
    return {
      ...facts,
      state: 'oom_killed',
      error_class: 'oom',
      message: `${ended.oomProbably ? 'probably ' : ''}killed for using more than its ${size(memoryBytes)} of memory`,
    }
  }
  if (ended.said !== undefined) {
    const { message, errorClass } = ended.said
    return errorClass === undefined
      ? { ...facts, message }
      : { ...facts, state: 'failed', error_class: errorClass, message }
  }
  const partly = [
    ...(ended.oomKills > 0 ? [partlyKilled(ended.oomKills, memoryBytes)] : []),
    ...(ended.notReached ? [notReached(ended.notReached)] : []),
  ].join('; ')
  const also = partly === '' ? '' : `; ${partly}`
  if (ended.signal !== null) {
    return { ...facts, state: 'failed', error_class: 'signal', message: `killed by ${ended.signal}${also}` }
  }
  if (ended.exitCode !== 0) {
    return { ...facts, state: 'failed', error_class: 'exit', message: `exited with code ${ended.exitCode}${also}` }
  }
  if (ended.filesLate && cleanupMs !== undefined) {
    const message = `its clean-up took longer than ${seconds(cleanupMs)} (cleanup_seconds)`
    return { ...facts, state: 'timed_out', error_class: 'timeout', message }
  }
  return partly === '' ? facts : { ...facts, message: partly }
}

const partlyKilled = (kills: number, memoryBytes: number): string =>
  `${kills} of its processes ${kills === 1 ? 'was' : 'were'} killed for memory (limit ${size(memoryBytes)})`

const shownDestinations = 5
function notReached(destinations: string[]): string {
  const more = destinations.length > shownDestinations ? ', …' : ''
  return `it was not let to ${destinations.slice(0, shownDestinations).join(', ')}${more} (network egress)`
}

export const leaseLostMessage =
  'the runner could not reach the server for so long that the job was stopped; it may run again elsewhere'

/** An attempt that never ran. */
export function refusedOutcome(refused: StartRefused, reason: StopReason | undefined, at: Date): Outcome {
  if (reason === 'cancelled') return { state: 'cancelled', message: 'cancelled before it started' }
  return { state: 'failed', error_class: classOf(refused), message: refused.message, ended_at: at.toISOString() }
}

const classOf = ({ errorClass }: StartRefused): 'start' | 'refused' | 'infrastructure' =>
  errorClass === 'unreachable' ? 'infrastructure' : errorClass

/** Before the command began. */
export const setUpOutcome = ({ message }: Error, at: Date): Outcome => ({
  state: 'timed_out',
  error_class: 'timeout',
  message,
  ended_at: at.toISOString(),
})

export const lostOutcome = (message: string, at: Date): Outcome => ({
  state: 'lost',
  error_class: 'lost',
  message,
  ended_at: at.toISOString(),
})

export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(3))} s`
}
