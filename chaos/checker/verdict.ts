/** How an attempt ended: by itself, by its user, or because the rig hurt it. Everything else cannot be explained. */
import type { AttemptRow, Evidence, WitnessLine } from '../evidence.ts'
import type { Fault } from '../faults.ts'
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
  if (attempt.state === 'cancelled') return asked ? 'cancelled' : { wrong: 'it was cancelled, and nobody had asked' }
  const { error_class: why, signal } = attempt.outcome ?? {}
  const launcherDied = faults.some((fault) => fault.victim === 'launcher' && isDuring(fault, attempt))
  if (attempt.state === 'failed' && (why === 'infrastructure' || (why === 'signal' && signal === 'SIGKILL'))) {
    return launcherDied ? 'hurt' : { wrong: `it failed (${why}), and nothing had hurt it` }
  }
  if (attempt.state === 'lost') {
    if (launcherDied || longestSilence(faults, attempt) >= keepForMs * 0.5) return 'hurt'
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

export const isDuring = (fault: Fault, { leased, ended }: AttemptRow): boolean =>
  fault.at >= leased - slackMs && fault.at <= (ended ?? Infinity) + 100

/** The longest time of an attempt in which server, runner or database was away, by kills that run into each other. */
function longestSilence(faults: Fault[], { leased, ended }: AttemptRow): number {
  let longest = 0
  let from = -Infinity
  let to = -Infinity
  const during = faults.filter((fault) => fault.backAt > leased - slackMs && fault.at < (ended ?? Infinity))
  for (const { at, backAt } of during.toSorted((a, b) => a.at - b.at)) {
    if (at > to + slackMs) from = at
    to = Math.max(to, backAt)
    longest = Math.max(longest, to - from)
  }
  return longest
}
