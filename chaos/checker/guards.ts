/** Dependencies, caps, turns, audit, secrets and stale tokens: what must hold whatever was killed. */
import type { AttemptRow, Evidence, JobRow } from '../evidence.ts'
import type { Violation, ViolationKind } from './violation.ts'

const violation = (kind: ViolationKind, message: string, ...facts: unknown[]): Violation => ({
  kind,
  message,
  evidence: facts.map((fact) => (typeof fact === 'string' ? fact : JSON.stringify(fact))),
})

export const checkGuards = (evidence: Evidence): Violation[] => [
  ...checkDependencies(evidence),
  ...checkCaps(evidence),
  ...checkTurns(evidence),
  ...checkPrompt(evidence),
  ...checkSecrets(evidence),
  ...checkReplays(evidence),
]

/** No job begins before its dependencies have ended, and whether it runs at all follows from how they did. */
function checkDependencies({ jobs, attempts, dependencies }: Evidence): Violation[] {
  const found: Violation[] = []
  const rows = new Map(jobs.map((job) => [job.id, job]))
  const byJob = Map.groupBy(attempts, (attempt) => attempt.id)
  const endOf = (id: string): number | null =>
    Math.max(...(byJob.get(id) ?? []).map(({ ended }) => ended ?? Infinity), -Infinity)
  for (const [id, edges] of Map.groupBy(dependencies, (edge) => edge.id)) {
    const job = rows.get(id)
    if (job === undefined) continue
    const before = edges.flatMap(({ on }) => rows.get(on) ?? [])
    const first = byJob.get(id)?.[0]
    for (const other of before) {
      if (first === undefined || first.leased >= (endOf(other.id) ?? -Infinity)) continue
      const message = `job ${id} (${job.tag}) was begun before ${other.id} (${other.tag}) had ended`
      found.push(violation('dependency_broken', message, first, other))
    }
    const mustSkip = job.on_failure !== 'run' && before.some(({ state }) => state !== 'succeeded')
    if (mustSkip === (job.state === 'skipped') || job.state === 'cancelled') continue
    const states = before.map(({ id: on, state }) => `${on} ${state}`).join(', ')
    found.push(
      violation('dependency_broken', `job ${id} (${job.tag}) is ${job.state}, its dependencies: ${states}`, job),
    )
  }
  return found
}

const checkCaps = ({ caps }: Evidence): Violation[] =>
  caps
    .filter(({ most, cap }) => most > cap)
    .map((seen) =>
      violation('cap_exceeded', `${seen.kind} ${seen.name} had ${seen.most} jobs at a time, allowed ${seen.cap}`, seen),
    )

/** Claims look at what is committed, and clocks are read a moment before or after what they are to tell. */
const turnSlackMs = 3000

interface Waited {
  job: JobRow
  /** When it was queued at the earliest: its place is taken before its submit commits. */
  queued: number
  /** When it was seen in the database at the latest. */
  there: number
  leased: number
}

/** In one lane and priority whoever was queued first begins first; only the first attempts count, as retries wait longer. */
function checkTurns({ jobs, attempts, history }: Evidence): Violation[] {
  const firsts = new Map<string, AttemptRow>()
  for (const attempt of attempts) if (attempt.number === 1) firsts.set(attempt.id, attempt)
  const seen = new Map<string, number>()
  for (const entry of history) if (entry.op === 'seen' && !seen.has(entry.id)) seen.set(entry.id, entry.t)
  const waited = jobs.flatMap((job): Waited[] => {
    const [first, there] = [firsts.get(job.id), seen.get(job.id)]
    if (job.queued === null || first === undefined || there === undefined) return []
    return [{ job, queued: job.queued, there: Math.max(there, job.queued), leased: first.leased }]
  })
  const found: Violation[] = []
  for (const lane of Map.groupBy(waited, ({ job }) => `${job.lane} ${job.priority}`).values()) {
    let earliest: Waited | undefined
    // From the last to begin back to the first: none may be queued long after one that began long after it was there.
    for (const one of lane.toSorted((a, b) => b.leased - a.leased)) {
      if (earliest && earliest.there + turnSlackMs < one.queued && one.leased + turnSlackMs < earliest.leased) {
        const { job, leased } = earliest
        const message = `job ${job.id} (${job.tag}) began ${Math.round(leased - one.leased)} ms after ${one.job.id}, which was queued later`
        found.push(violation('out_of_turn', message, earliest, one))
        break
      }
      if (earliest === undefined || one.there < earliest.there) earliest = one
    }
  }
  return found
}

function checkPrompt({ operations, jobs, attempts }: Evidence): Violation[] {
  return operations.flatMap(({ tag, promptMs = Infinity }) => {
    const job = jobs.find((each) => each.tag === tag)
    const first = attempts.find(({ id, number }) => id === job?.id && number === 1)
    if (promptMs === Infinity || first === undefined || job?.queued == null) return []
    const ms = Math.round(first.leased - job.queued)
    if (ms <= promptMs) return []
    return [violation('kept_waiting', `job ${job.id} (${tag}) waited ${ms} ms beside an idle runner`, first)]
  })
}

const checkSecrets = ({ secretsSeen }: Evidence): Violation[] =>
  secretsSeen.map((where) => violation('secret_seen', `a secret is readable: ${where}`))

const checkReplays = ({ replays }: Evidence): Violation[] =>
  replays
    .filter(({ accepted }) => accepted)
    .map((replay) =>
      violation('stale_accepted', `${replay.kind} with ${replay.how} was taken by ${replay.server}`, replay),
    )
