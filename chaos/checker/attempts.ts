/** Every attempt's end must be explained, and a job's end must be that of its last attempt. */
import type { AttemptRow, Evidence, JobRow } from '../evidence.ts'
import type { Operation } from '../load.ts'
import { terminal } from './promises.ts'
import { verdictOf, type Verdict } from './verdict.ts'
import { factsOf, type Violation } from './violation.ts'

export function checkAttempts(evidence: Evidence): Violation[] {
  const operations = new Map(evidence.operations.map((operation) => [operation.tag, operation]))
  const byJob = Map.groupBy(evidence.attempts, (attempt) => attempt.id)
  return evidence.jobs.flatMap((job) => {
    const operation = operations.get(job.tag)
    if (operation === undefined || !terminal.has(job.state)) return []
    const attempts = byJob.get(job.id) ?? []
    return [...checkCounts(job, attempts), ...checkOutcomes(evidence, job, operation, attempts)]
  })
}

function checkCounts(job: JobRow, attempts: AttemptRow[]): Violation[] {
  const wrong: string[] = []
  const counted = attempts.filter((attempt) => attempt.state !== 'handed_back')
  if (attempts.some((attempt, i) => attempt.number !== i + 1)) wrong.push('its attempts are not numbered 1, 2, 3 …')
  if (attempts.some((attempt, i) => i > 0 && BigInt(attempt.token) <= BigInt(attempts[i - 1]!.token))) {
    wrong.push('a token does not rise')
  }
  if (counted.length !== job.attempts_spent)
    wrong.push(`${counted.length} attempts count, ${job.attempts_spent} were spent`)
  if (job.attempts_spent > job.max_attempts) wrong.push(`${job.attempts_spent} attempts, allowed ${job.max_attempts}`)
  if (attempts.some(({ ended }) => ended === null)) wrong.push('an attempt is open after the end of the job')
  return wrong.map((what) => ({
    kind: 'bad_attempts',
    message: `job ${job.id} (${job.tag}): ${what}`,
    evidence: attempts.map((attempt) => JSON.stringify(attempt)),
  }))
}

function checkOutcomes(evidence: Evidence, job: JobRow, operation: Operation, attempts: AttemptRow[]): Violation[] {
  const lines = evidence.witnesses.get(job.tag) ?? []
  const found: Violation[] = []
  const wrong = (attempt: AttemptRow, what: string): void => {
    const message = `job ${job.id} (${job.tag}), attempt ${attempt.number}: ${what}`
    found.push({ kind: 'wrong_outcome', message, evidence: factsOf(evidence, attempt, lines) })
  }
  let verdict: Verdict | undefined
  for (const attempt of attempts) {
    verdict = verdictOf(attempt, operation, lines, evidence)
    if (typeof verdict === 'object') wrong(attempt, verdict.wrong)
    const left = attempt.outcome?.remaining_processes ?? 0
    if (left > 0) wrong(attempt, `${left} processes remained`)
    const started = lines.some((line) => line.word === 'start' && line.attempt === attempt.number)
    if (verdict === 'handed_back' && started && job.max_attempts === 1) {
      wrong(attempt, 'it had begun and was handed back, although it may run once only')
    }
  }
  const last = attempts.findLast((attempt) => attempt.state !== 'handed_back')
  if (last === undefined) {
    if (job.state !== 'cancelled' && job.state !== 'skipped') {
      const message = `job ${job.id} (${job.tag}) is ${job.state} without an attempt`
      found.push({ kind: 'wrong_outcome', message, evidence: [JSON.stringify(job)] })
    }
    return found
  }
  // Cancelled while it waited for its next attempt, it keeps the last one's own end.
  if (job.state !== last.state && job.state !== 'cancelled') wrong(last, `its end is not that of the job, ${job.state}`)
  const retried = last.state === 'lost' || last.outcome?.error_class === 'infrastructure'
  if (verdict === 'hurt' && retried && job.attempts_spent < job.max_attempts && job.state !== 'cancelled') {
    wrong(last, 'it was not tried again although attempts were left')
  }
  return found
}
