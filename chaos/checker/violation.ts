import type { AttemptRow, Evidence, WitnessLine } from '../evidence.ts'

export type ViolationKind =
  /** Acknowledged and not there. */
  | 'lost_job'
  /** Two jobs for one submit. */
  | 'doubled_job'
  /** Refused or never asked for, and there all the same. */
  | 'unasked_job'
  | 'not_ended'
  /** Queued, with a runner idle, and left waiting. */
  | 'kept_waiting'
  /** An end that was seen and is another one now. */
  | 'changed_end'
  /** Two attempts of one job alive at a time. */
  | 'overlap'
  /** One attempt that ran twice. */
  | 'started_twice'
  | 'wrong_outcome'
  | 'cancel_ignored'
  /** Numbers, tokens or counts of attempts that cannot be. */
  | 'bad_attempts'
  | 'log_missing'
  /** Other bytes than were written, or more. */
  | 'log_wrong'
  /** A message with a token that is no longer the attempt's was taken. */
  | 'stale_accepted'
  /** Begun before what it depends on had ended, or an end that does not follow from theirs. */
  | 'dependency_broken'
  /** More at a time than a queue, a user or a runner may have. */
  | 'cap_exceeded'
  /** One that came later was begun long before, in the same lane. */
  | 'out_of_turn'
  /** The audit log lacks a request, has one too many, or its chain is broken. */
  | 'audit_wrong'
  /** A secret is where anybody may read it. */
  | 'secret_seen'
  | 'crash'
  | 'leftover'

export interface Violation {
  kind: ViolationKind
  message: string
  evidence: string[]
}

/** What a person needs to understand one attempt. */
export function factsOf(evidence: Evidence, attempt: AttemptRow, lines: WitnessLine[] = []): string[] {
  const { leased, ended } = attempt
  const own = lines.filter((line) => line.attempt === attempt.number)
  const during = evidence.faults.filter((fault) => fault.at >= leased - 5000 && fault.at <= (ended ?? Infinity) + 5000)
  return [
    `attempt: ${JSON.stringify(attempt)}`,
    `leased ${iso(leased)}, ended ${ended === null ? 'never' : iso(ended)}`,
    ...[...own.slice(0, 2), ...own.slice(2).slice(-3)].map((line) => `witness: ${JSON.stringify(line)}`),
    ...during.map((f) => `fault ${f.nr + 1}: ${f.what ?? `kill ${f.victim}`} at ${iso(f.at)}, back ${iso(f.backAt)}`),
  ]
}

const iso = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'never')
