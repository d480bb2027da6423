/** How an attempt ended: by itself, by its user, or because the rig hurt it. Everything else cannot be explained. */
import type { AttemptRow, Evidence, WitnessLine } from '../evidence.ts'
import type { Fault, Hurt } from '../faults.ts'
import type { Operation } from '../load.ts'

export type Verdict = 'own' | 'cancelled' | 'hurt' | 'handed_back' | { wrong: string }

/** Between a kill and what it causes, on a machine that is busy. */
const slackMs = 5_000

export function verdictOf(
  attempt: AttemptRow,
  operation: Operation,
  lines: WitnessLine[],
  { faults, keepForMs, history }: Pick<Evidence, 'faults' | 'keepForMs' | 'history'>,
): Verdict {
  if (attempt.state === 'handed_back') return 'handed_back'
  const expected = isAsExpected(attempt, operation)
  if (expected && isToldByWitness(attempt, operation, lines)) return 'own'
  const asked = history.some(
    (entry) => entry.op === 'cancel' && entry.tag === operation.tag && entry.answer !== 'failed',
  )
  const { error_class: why, signal } = attempt.outcome ?? {}
  const killed = wasKilled(faults, attempt)
  const cutOff = longestSilence(faults, attempt) >= keepForMs * 0.5
  // A cancel that was asked for is done also when its runner went silent meanwhile.
  if (attempt.state === 'cancelled' && asked) return killed || cutOff ? 'hurt' : 'cancelled'
  if (attempt.state === 'cancelled') return { wrong: 'it was cancelled, and nobody had asked' }
  if (attempt.state === 'failed' && (why === 'infrastructure' || (why === 'signal' && signal === 'SIGKILL'))) {
    const stopped = why === 'infrastructure' && faultsFelt(faults, attempt).some(({ victim }) => endsJobs.has(victim))
    return killed || stopped ? 'hurt' : { wrong: `it failed (${why}), and nothing had hurt it` }
  }
  if (attempt.state === 'lost') {
    const end = lines.find((line) => line.word === 'end' && line.attempt === attempt.number)
    if (end !== undefined && !killed && wasEverybodyAway(faults, attempt)) {
      return { wrong: 'it came to its end while everybody was away, and nobody waited to be told' }
    }
    if (killed || cutOff) return 'hurt'
    return { wrong: 'it was lost, and nothing had hurt it or cut it off for long' }
  }
  if (expected) return { wrong: `it is ${attempt.state}, and its witness never came to its end` }
  return { wrong: `it ended as ${attempt.state}, expected was ${JSON.stringify(operation.expected)}` }
}

function isAsExpected({ state, outcome }: AttemptRow, { expected }: Operation): boolean {
  if (outcome === null) return false
  switch (expected.by) {
    case 'exit':
      return state === (expected.code === 0 ? 'succeeded' : 'failed') && outcome.exit_code === expected.code
    case 'signal':
      return state === 'failed' && outcome.signal === expected.signal
    case 'oom':
      return state === 'oom_killed'
    case 'timeout':
      return state === 'timed_out'
    case 'cancel':
      return false
  }
}

/** An end that Runyard reports and the witness does not know was invented. */
const isToldByWitness = (attempt: AttemptRow, { expected }: Operation, lines: WitnessLine[]): boolean =>
  expected.by === 'timeout' || lines.some((line) => line.word === 'end' && line.attempt === attempt.number)

/** A full disk, no more open files, or a runner that is told to end and whose job may run once only. */
const endsJobs = new Set<Hurt>(['disk', 'limit', 'halt'])

/** Killed with its launcher, or by itself. */
export const wasKilled = (faults: Fault[], attempt: AttemptRow): boolean =>
  faults.some(
    (fault) =>
      isDuring(fault, attempt) &&
      (fault.victim === 'launcher' || (fault.victim === 'job' && fault.attempt === `${attempt.id} ${attempt.number}`)),
  )

/** It reached the runner of the attempt in the attempt's time. */
export const isDuring = (fault: Fault, attempt: AttemptRow): boolean =>
  reaches(fault, attempt) && fault.at >= attempt.leased - slackMs && fault.at <= (attempt.ended ?? Infinity) + 100

const reaches = ({ where }: Fault, { runner }: AttemptRow): boolean => where === undefined || where === runner

/**
 * All that hurt it were outages of the database or of all servers: after those, nothing is given away for a full lease
 * (domain promise 3), so a runner that lived through it has its say.
 */
function wasEverybodyAway(faults: Fault[], attempt: AttemptRow): boolean {
  const felt = faultsFelt(faults, attempt)
  return felt.length > 0 && felt.every(({ outage }) => outage === true)
}

/** The longest time of an attempt in which server, runner or database was away, by faults that run into each other. */
function longestSilence(faults: Fault[], attempt: AttemptRow): number {
  let longest = 0
  let from = -Infinity
  let to = -Infinity
  for (const { at, backAt } of faultsFelt(faults, attempt).toSorted((a, b) => a.at - b.at)) {
    if (at > to + slackMs) from = at
    to = Math.max(to, backAt)
    longest = Math.max(longest, to - from)
  }
  return longest
}

const faultsFelt = (faults: Fault[], attempt: AttemptRow): Fault[] =>
  faults.filter(
    (fault) =>
      reaches(fault, attempt) && fault.backAt > attempt.leased - slackMs && fault.at < (attempt.ended ?? Infinity),
  )
