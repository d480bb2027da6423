/** Stored bytes against written bytes: exactly those of an attempt that ended by itself, a prefix of one that was hurt. */
import type { AttemptRow, Evidence, WitnessLine } from '../evidence.ts'
import type { Operation } from '../load.ts'
import { isDuring, verdictOf, wasKilled } from './verdict.ts'
import { factsOf, type Violation } from './violation.ts'

export function checkLogs(evidence: Evidence): Violation[] {
  const operations = new Map(evidence.operations.map((operation) => [operation.tag, operation]))
  const tags = new Map(evidence.jobs.map(({ id, tag }) => [id, tag]))
  const logs = Map.groupBy(evidence.logs, ({ id, attempt }) => `${id} ${attempt}`)
  return evidence.attempts.flatMap((attempt) => {
    const operation = operations.get(tags.get(attempt.id) ?? '')
    const stored = logs.get(`${attempt.id} ${attempt.number}`) ?? []
    // What a leaky one prints is masked on the way.
    if (operation === undefined || operation.leaks) return []
    const lines = evidence.witnesses.get(operation.tag) ?? []
    const due = bytesDue(evidence, attempt, operation, lines)
    return stored.flatMap(({ stream, length, agrees, sha256, foreign }): Violation[] => {
      const name = `${stream} of job ${attempt.id} (${operation.tag}), attempt ${attempt.number}`
      const facts = [`sha256 of what is stored: ${sha256}`, ...factsOf(evidence, attempt, lines)]
      if (foreign !== undefined) facts.unshift(`from there on: ${JSON.stringify(foreign)}`)
      const wrong = (kind: Violation['kind'], what: string): Violation[] => [
        { kind, message: `${name}: ${what}`, evidence: facts },
      ]
      const { least, most } = due[stream]
      if (agrees < length) return wrong('log_wrong', `${length} bytes are stored, from byte ${agrees} on other ones`)
      if (length > most) return wrong('log_wrong', `${length} bytes are stored, ${most} were written`)
      if (length < least) return wrong('log_missing', `${length} bytes are stored, ${least} were written`)
      const told = attempt.log?.[`${stream}_bytes`]
      if (told !== undefined && told !== length) return wrong('log_wrong', `${length} bytes, its row says ${told}`)
      return []
    })
  })
}

type Due = Record<'stdout' | 'stderr', { least: number; most: number }>

function bytesDue(evidence: Evidence, attempt: AttemptRow, { ...operation }: Operation, lines: WitnessLine[]): Due {
  const own = lines.filter((line) => line.attempt === attempt.number && line.word !== 'child')
  const end = own.find((line) => line.word === 'end')
  const noted = own.at(-1)
  const verdict = verdictOf(attempt, operation, lines, evidence)
  // Killed by the rig with its launcher: what was in the pipes then may be gone.
  // What is handed back is shipped for a second at most, so that no lease waits for it.
  const hurt = verdict === 'hurt' || verdict === 'handed_back' || wasKilled(evidence.faults, attempt)
  const isCut = isCutOff(evidence, attempt)
  const due = (stream: 'out' | 'err'): { least: number; most: number } => ({
    least: isCut ? 0 : verdict === 'own' && end ? end[stream] : hurt ? 0 : (noted?.[stream] ?? 0),
    most: end?.[stream] ?? Infinity,
  })
  return { stdout: due('out'), stderr: due('err') }
}

/** Says so itself, and its runner's disk was full: what is there is a beginning. */
const isCutOff = ({ faults }: Evidence, attempt: AttemptRow): boolean =>
  (attempt.log?.truncated_bytes ?? 0) > 0 && faults.some((f) => f.victim === 'disk' && isDuring(f, attempt))
