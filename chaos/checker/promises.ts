/** What clients were told against what is there: acknowledged is durable, a key makes one job, an end is final. */
import type { Evidence, JobRow } from '../evidence.ts'
import type { Violation } from './violation.ts'

export const terminal = new Set(['succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost', 'skipped'])

export function checkPromises(evidence: Evidence): Violation[] {
  return [...checkSubmits(evidence), ...checkEnds(evidence), ...checkCancels(evidence)]
}

function checkSubmits({ operations, history, jobs }: Evidence): Violation[] {
  const found: Violation[] = []
  const rows = Map.groupBy(jobs, (job) => job.tag)
  const answers = Map.groupBy(
    history.filter((entry) => entry.op === 'submit'),
    (entry) => entry.tag,
  )
  for (const { tag, keyed, forbidden } of operations) {
    const told = answers.get(tag) ?? []
    const there = rows.get(tag) ?? []
    const evidence = [...told, ...there].map((each) => JSON.stringify(each))
    const acknowledged = told.filter((entry) => entry.answer === 'acknowledged')
    for (const { id } of acknowledged) {
      if (there.some((job) => job.id === id)) continue
      found.push({ kind: 'lost_job', message: `${tag}: ${id} was acknowledged and is not in the database`, evidence })
    }
    if (there.length > 1) {
      const how = keyed ? 'with one key' : 'asked once'
      found.push({ kind: 'doubled_job', message: `${tag}: ${there.length} jobs of one submit (${how})`, evidence })
    }
    if (forbidden && acknowledged.length > 0) {
      found.push({ kind: 'wrong_outcome', message: `${tag}: taken from somebody who may not submit`, evidence })
    }
    const allRefused = told.length > 0 && told.every((entry) => entry.answer === 'failed')
    if ((allRefused || told.length === 0) && there.length > 0) {
      found.push({ kind: 'unasked_job', message: `${tag}: the submit was refused, and the job exists`, evidence })
    }
    if (keyed && told.at(-1)?.answer === 'indeterminate') {
      found.push({ kind: 'not_ended', message: `${tag}: a submit with a key was never answered`, evidence })
    }
    if (!forbidden && told.some((entry) => entry.answer === 'failed')) {
      found.push({ kind: 'wrong_outcome', message: `${tag}: a right submit was refused`, evidence })
    }
  }
  const asked = new Set(operations.map(({ tag }) => tag))
  for (const job of jobs.filter(({ tag }) => !asked.has(tag))) {
    found.push({ kind: 'unasked_job', message: `job ${job.id} was never submitted`, evidence: [JSON.stringify(job)] })
  }
  return found
}

function checkEnds({ history, jobs }: Evidence): Violation[] {
  const found: Violation[] = []
  const ends = new Map<string, string>()
  const rows = new Map(jobs.map((job) => [job.id, job]))
  for (const entry of history) {
    if (entry.op !== 'seen') continue
    const before = ends.get(entry.id)
    if (before !== undefined && entry.state !== before) found.push(changed(entry.id, before, entry.state, entry))
    if (entry.open > 1) {
      const message = `job ${entry.id} had ${entry.open} open attempts at a time`
      found.push({ kind: 'overlap', message, evidence: [JSON.stringify(entry)] })
    }
    if (!terminal.has(entry.state)) continue
    ends.set(entry.id, entry.state)
    if (entry.open > 0) {
      const message = `job ${entry.id} was ${entry.state} while an attempt of it was open`
      found.push({ kind: 'wrong_outcome', message, evidence: [JSON.stringify(entry)] })
    }
  }
  for (const [id, state] of ends) {
    const now = rows.get(id)
    if (now !== undefined && now.state !== state) found.push(changed(id, state, now.state, now))
  }
  for (const job of jobs.filter(({ state }) => !terminal.has(state))) {
    found.push({
      kind: 'not_ended',
      message: `job ${job.id} (${job.tag}) is still ${job.state}`,
      evidence: [JSON.stringify(job)],
    })
  }
  return found
}

const changed = (id: string, from: string, to: string, fact: unknown): Violation => ({
  kind: 'changed_end',
  message: `job ${id} had ended as ${from} and is ${to} now`,
  evidence: [JSON.stringify(fact)],
})

function checkCancels({ history, jobs }: Evidence): Violation[] {
  const rows = new Map<string, JobRow>(jobs.map((job) => [job.tag, job]))
  return history
    .filter((entry) => entry.op === 'cancel' && entry.answer === 'acknowledged')
    .flatMap((entry) => {
      const job = 'tag' in entry ? rows.get(entry.tag) : undefined
      if (job === undefined || job.state === 'cancelled' || !terminal.has(job.state)) return []
      const message = `job ${job.id} (${job.tag}) is ${job.state} after an acknowledged cancel`
      return [{ kind: 'cancel_ignored', message, evidence: [JSON.stringify(job)] } satisfies Violation]
    })
}
