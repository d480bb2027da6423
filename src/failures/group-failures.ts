/**
 * Puts dead letters into groups of those that failed alike, and tells what each group of them may mean. One transaction a
 * batch: a crash in between leaves the rows without a group, for the next pass.
 */
import type { Db, Queryable } from '../db/pool.ts'
import { newPublicId } from '../lib/ids.ts'
import { fingerprintOf, normalise, normaliseName } from './normalise.ts'
import { noteFailures, type Hit, type TellIncidents } from './open-incidents.ts'
import { eventSource, jobSource, taskSource } from './source.ts'

interface NewLetter {
  jobKey: string
  ownerId: string
  name: string
  state: string
  exitCode: number | null
  message: string | null
  errorClass: string | null
  signal: string | null
  publicId: string
  at: Date
  eventKey: string | null
  eventId: string | null
  isTest: boolean
  pipeline: string | null
  task: string | null
}

const perPass = 500

/** One pass; returns how many it grouped. */
export async function groupFailures(db: Db, tell: TellIncidents): Promise<number> {
  let all = 0
  for (let n = perPass; n === perPass; all += n) n = await db.tx((tx) => groupBatch(tx, tell))
  return all
}

async function groupBatch(tx: Queryable, tell: TellIncidents): Promise<number> {
  const { rows } = await tx.query<NewLetter>({
    name: 'failures_new',
    text: `select d.job_id as "jobKey", d.owner_id as "ownerId", j.name, j.state, (j.outcome->>'exit_code')::int as "exitCode",
        j.outcome->>'message' as message, j.outcome->>'error_class' as "errorClass", j.outcome->>'signal' as signal,
        j.public_id as "publicId", d.at, er.event_id as "eventKey", e.public_id as "eventId",
        coalesce(er.trigger = 'test', false) as "isTest", p.name as pipeline, t.name as task
      from dead_letters d join jobs j on j.id = d.job_id
        left join event_runs er on er.job_id = j.public_id and j.spec ? 'event' left join events e on e.id = er.event_id
        left join pipeline_runs pr on pr.run_id = j.run_id left join pipelines p on p.id = pr.pipeline_id
        left join lateral (
          select name from run_tasks where job_id = j.public_id and run_id = j.run_id order by item limit 1
        ) t on p.id is not null
      where d.group_id is null order by d.job_id limit ${perPass} for update of d skip locked`,
  })
  if (rows.length === 0) return 0
  // Somebody tried a definition and looked on: nobody is to be told, and nothing is to be done again.
  const tests = rows.filter((row) => row.isTest)
  if (tests.length > 0) {
    await tx.query('delete from dead_letters where job_id = any($1::bigint[])', [tests.map((row) => row.jobKey)])
  }
  const groups = alike(rows.filter((row) => !row.isTest))
  if (groups.length > 0) await noteFailures(tx, await store(tx, groups), tell)
  return rows.length
}

interface Alike {
  ownerId: string
  source: string
  eventKey: string | null
  fingerprint: string
  state: string
  exitCode: number | null
  pattern: string
  sample: string
  letters: NewLetter[]
}

function alike(rows: readonly NewLetter[]): Alike[] {
  const found = new Map<string, Alike>()
  for (const row of rows) {
    const { ownerId, state, exitCode, eventKey } = row
    const sample = errorOf(row)
    const pattern = normalise(sample)
    const source = sourceOf(row)
    const fingerprint = fingerprintOf({ state, exitCode, pattern })
    const key = JSON.stringify([ownerId, source, fingerprint])
    const group = found.get(key) ?? {
      ownerId,
      source,
      eventKey,
      fingerprint,
      state,
      exitCode,
      pattern,
      sample,
      letters: [],
    }
    found.set(key, { ...group, sample, letters: [...group.letters, row] })
  }
  // In one order, so that two servers that both think they lead wait for each other and do not lock up.
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

function sourceOf({ eventId, pipeline, task, name }: NewLetter): string {
  if (eventId !== null) return eventSource(eventId)
  if (pipeline !== null && task !== null) return taskSource(pipeline, task)
  return jobSource(normaliseName(name))
}

function errorOf({ message, errorClass, signal, exitCode, state }: NewLetter): string {
  if (message !== null && message !== '') return message.slice(0, 2000)
  if (signal !== null) return `ended by ${signal}`
  if (exitCode !== null) return `ended with exit code ${exitCode}`
  return errorClass ?? state.replaceAll('_', ' ')
}

async function store(tx: Queryable, groups: readonly Alike[]): Promise<Hit[]> {
  const hits: Hit[] = []
  for (const { letters, ...group } of groups) {
    const times = letters.map(({ at }) => at.getTime())
    const { rows } = await tx.query<{ key: string; publicId: string; fresh: boolean; muted: boolean }>({
      name: 'failures_store_group',
      text: `with g as (
          insert into failure_groups as g (public_id, owner_id, source, event_id, fingerprint, state, exit_code, pattern,
            sample, total, first_at, last_at)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
          on conflict (owner_id, source, fingerprint) do update set total = g.total + excluded.total,
            sample = excluded.sample, last_at = greatest(g.last_at, excluded.last_at)
          returning id, public_id, total, muted_at
        ), marked as (
          update dead_letters d set group_id = g.id from g where d.job_id = any($13::bigint[])
        )
        select id as key, public_id as "publicId", total = $10::bigint as fresh, muted_at is not null as muted from g`,
      values: [
        ...[newPublicId(), group.ownerId, group.source, group.eventKey, group.fingerprint, group.state, group.exitCode],
        ...[group.pattern, group.sample, letters.length, new Date(Math.min(...times)), new Date(Math.max(...times))],
        letters.map(({ jobKey }) => jobKey),
      ],
    })
    const { muted, ...stored } = rows[0]!
    if (muted) continue
    const last = letters.at(-1)!
    hits.push({
      ...stored,
      ...{ ownerId: group.ownerId, source: group.source, eventKey: group.eventKey, pattern: group.pattern },
      ...{ sample: group.sample, failures: letters.length, lastJob: last.publicId },
    })
  }
  return hits
}

/** Groups whose failures are all removed with their jobs, and of which nobody has heard for so long. */
export async function pruneGroups(db: Queryable, retainDays: number): Promise<number> {
  if (retainDays === 0) return 0
  const { rowCount } = await db.query(
    `delete from failure_groups where id in (
       select id from failure_groups g where last_at < now() - make_interval(days => $1)
         and not exists (select from dead_letters d where d.group_id = g.id)
         and not exists (select from incidents i where i.group_id = g.id and i.closed_at is null) limit 1000
     )`,
    [retainDays],
  )
  return rowCount
}
