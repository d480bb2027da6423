/** The one admission lock: the row of the pipeline. Under it: the rules in force and all open runs, as they are now. */
import type { Queryable } from '../db/pool.ts'
import type { AdmissionRules, AdmittedRun, OpenRuns, WaitingRun } from './admission.ts'
import type { Variables } from './run.ts'

export interface LockedRuns extends OpenRuns {
  waiting: (WaitingRun & { publicId: string })[]
  pipelineId: string
  name: string
  /** Its file is gone or it was deleted. */
  gone: boolean
  rules: AdmissionRules
  /** Milliseconds of the database's clock, read under the lock: the start of a transaction that waited is long ago. */
  now: number
}

/**
 * Before any row of `runs` is locked. Null: there is no such pipeline. No more than `no key`: a second update of one row of
 * `pipeline_runs` in a transaction checks its references anew, and a step, which has its run, must not wait for us there.
 */
export async function lockRuns(tx: Queryable, pipelineId: string): Promise<LockedRuns | null> {
  await tx.query({
    name: 'pipelines_lock',
    text: 'select from pipelines where id = $1 for no key update',
    values: [pipelineId],
  })
  // In statements of their own: one that waits for a lock does not see what was committed meanwhile.
  const { rows: pipelines } = await tx.query<Omit<LockedRuns, 'running' | 'waiting'>>({
    name: 'pipelines_rules',
    text: `
      select p.id as "pipelineId", p.name, p.gone_at is not null as gone, v.definition::jsonb - 'tasks' as rules,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
        (select count(*)::int from pipeline_runs where pipeline_id = $1 and state = 'waiting') as "allWaiting"
      from pipelines p join pipeline_versions v on v.pipeline_id = p.id and v.number = p.version where p.id = $1`,
    values: [pipelineId],
  })
  const [pipeline] = pipelines
  if (!pipeline) return null
  const { queue_strategy, concurrency } = pipeline.rules
  const { rows } = await tx.query<OpenRow>({
    name: 'pipelines_open_runs',
    text: `
      select r.id as key, r.public_id as "publicId", pr.state, pr.queue_partition as partition,
        r.cancel_requested_at is not null as cancelling,
        (extract(epoch from pr.admitted_at) * 1000)::float8 as "admittedAt",
        (extract(epoch from coalesce(pr.not_before, r.created_at)) * 1000)::float8 as "dueAt"
      from (
        (select * from pipeline_runs where pipeline_id = $1 and state = 'running')
        union all
        (select * from pipeline_runs where pipeline_id = $1 and state = 'waiting'
           and ($2::int is null or coalesce(not_before, '-infinity') <= clock_timestamp())
         order by run_id limit $2::int)
      ) pr join runs r on r.id = pr.run_id order by r.id`,
    // Nobody is replaced: only how many wait counts, and who is next. With 50,000 waiting a start took 170 ms otherwise.
    values: [pipelineId, queue_strategy === 'append' ? concurrency : null],
  })
  const { running = [], waiting = [] } = Object.groupBy(rows, ({ state }) => state)
  return { ...pipeline, running, waiting }
}

type OpenRow = AdmittedRun & WaitingRun & { publicId: string; state: 'waiting' | 'running' }

/** They leave the waiting list; whoever hears of them advances them. `open` is what is left to decide about. */
export async function admitNext(tx: Queryable, open: LockedRuns, keys: readonly string[]): Promise<LockedRuns> {
  if (keys.length === 0) return open
  await tx.query({
    name: 'pipelines_admit',
    text: `
      with admitted as (
        update pipeline_runs set state = 'running', admitted_at = to_timestamp($2::float8 / 1000)
        where run_id = any($1::bigint[]) and state = 'waiting' returning run_id
      )
      select pg_notify('runyard_runs', run_id::text) from admitted`,
    values: [keys, open.now],
  })
  const admitted = keys.map((key) => ({ key, admittedAt: open.now, cancelling: false }))
  const waiting = open.waiting.filter((run) => !keys.includes(run.key))
  const allWaiting = open.allWaiting - keys.length
  return { ...open, running: [...open.running, ...admitted], waiting, allWaiting }
}

/** As they were given, oldest first. */
export async function variablesOf(tx: Queryable, keys: readonly string[]): Promise<Variables[]> {
  const { rows } = await tx.query<{ variables: Variables }>(
    'select variables from pipeline_runs where run_id = any($1::bigint[]) order by run_id',
    [keys],
  )
  return rows.map((row) => row.variables)
}
