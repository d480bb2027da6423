/**
 * The witnesses' own words. A file is written by all attempts of a job, each line appended by one write, so its order is
 * the order of what happened and no clock is asked: a line of an earlier attempt behind the first of a later one means
 * that both were alive.
 */
import type { Evidence, WitnessLine } from '../evidence.ts'
import type { Violation } from './violation.ts'

export function checkWitnesses(evidence: Evidence): Violation[] {
  const found: Violation[] = []
  const ids = Map.groupBy(evidence.jobs, (job) => job.tag)
  const known = new Set(evidence.attempts.map(({ id, number }) => `${id} ${number}`))
  for (const [tag, lines] of evidence.witnesses) {
    const jobs = new Set(ids.get(tag)?.map(({ id }) => id))
    for (const id of new Set(lines.map(({ job }) => job))) {
      if (jobs.has(id)) continue
      found.push({ kind: 'lost_job', message: `${tag}: job ${id} ran, and no such job is known`, evidence: [] })
    }
    found.push(...order(tag, lines))
    const starts = lines.filter(({ word }) => word === 'start')
    for (const [attempt, own] of Map.groupBy(starts, (line) => line.attempt)) {
      const told = own.map((line) => JSON.stringify(line))
      if (own.length > 1) {
        const message = `${tag}: attempt ${attempt} was started ${own.length} times`
        found.push({ kind: 'started_twice', message, evidence: told })
      }
      if (own.some(({ job }) => jobs.has(job) && !known.has(`${job} ${attempt}`))) {
        const message = `${tag}: attempt ${attempt} ran, and the database does not know it`
        found.push({ kind: 'bad_attempts', message, evidence: told })
      }
    }
  }
  return found
}

function order(tag: string, lines: WitnessLine[]): Violation[] {
  let latest: WitnessLine | undefined
  for (const line of lines) {
    if (latest !== undefined && line.attempt < latest.attempt) {
      return [
        {
          kind: 'overlap',
          message: `${tag}: attempt ${line.attempt} was alive after attempt ${latest.attempt} had begun`,
          evidence: [latest, line].map((each) => JSON.stringify(each)),
        },
      ]
    }
    if (line.attempt > (latest?.attempt ?? 0)) latest = line
  }
  return []
}
