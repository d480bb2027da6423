import type { AttemptRow, Evidence, WitnessLine } from '../evidence.ts'

export type ViolationKind =
  /** Acknowledged and not there. */
  | 'lost_job'
  /** Two jobs for one submit. */
  | 'doubled_job'
  /** Refused or never asked for, and there all the same. */
  | 'unasked_job'
  | 'not_ended'
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
    ...during.map((f) => `kill ${f.nr + 1}: ${f.victim} at ${iso(f.at)}, back ${iso(f.backAt)}`),
  ]
}

const iso = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'never')
