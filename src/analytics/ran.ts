/** What ended within the last days, in SQL: one row for each run, with the same columns whatever it was a run of. */

/** Of each source `$1` are days and `$2` the owner to whom it is narrowed; null is everybody's. */
const since = (column: string): string => `${column} > now() - make_interval(days => $1)`
const owned = (column: string): string => `($2::bigint is null or ${column} = $2::bigint)`

/** Runs of events; what only tried a definition is no run of it. */
export const eventsRan = `
  select er.id as nr, er.event_id as key, er.end_state as state, er.created_at, er.started_at, er.ended_at, er.cpu_ms,
    er.memory_bytes
  from event_runs er
  where er.ended_at is not null and er.settled_at is not null and er.trigger <> 'test'
    and ${since('er.ended_at')} and ${owned('er.owner_id')}`

/** Runs of pipelines. CPU and memory are what their tasks' last attempts used. */
export const pipelinesRan = `
  select r.id as nr, pr.pipeline_id as key, pr.result as state, r.created_at, r.started_at, r.ended_at, used.cpu_ms,
    used.memory_bytes
  from runs r join pipeline_runs pr on pr.run_id = r.id left join (
    select j.run_id, sum((j.outcome->'usage'->>'cpu_ms')::float8) as cpu_ms,
      max((j.outcome->'usage'->>'memory_peak_bytes')::float8) as memory_bytes
    from jobs j where j.run_id is not null and j.ended_at is not null group by j.run_id
  ) used on used.run_id = r.id
  where r.kind = 'pipeline' and pr.result is not null and ${since('r.ended_at')} and ${owned('r.owner_id')}`

/** Jobs of users; messages about them are no work of theirs. */
export const jobsRan = `
  select j.id as nr, j.owner_id as key, j.state, j.created_at, j.started_at, j.ended_at,
    (j.outcome->'usage'->>'cpu_ms')::float8 as cpu_ms,
    (j.outcome->'usage'->>'memory_peak_bytes')::float8 as memory_bytes
  from jobs j
  where j.ended_at is not null and ${since('j.ended_at')} and ${owned('j.owner_id')}
    and j.queue_id is distinct from (select id from queues where name = 'messages')`

const failedStates = `('failed', 'timed_out', 'oom_killed', 'lost')`
export const succeeded = `state = 'succeeded'`
export const failed = `state in ${failedStates}`
export const cancelled = `state in ('cancelled', 'skipped')`
/** A float, which is cheaper to sort than the numeric that `extract` gives. */
const tookMs = `greatest(0, date_part('epoch', ended_at - started_at) * 1000)`
const waitedMs = `greatest(0, date_part('epoch', started_at - created_at) * 1000)`

/** p50 and p95, an array of two from one sort; null when nothing ever began. */
export const percentiles = (of: 'duration' | 'wait'): string =>
  `percentile_cont(array[0.5, 0.95]) within group (order by ${of === 'duration' ? tookMs : waitedMs})`

/** Aggregates over rows of one of the above; those that never began have no duration and no wait. */
export const numbers = `count(*)::int as runs, (count(*) filter (where ${succeeded}))::int as succeeded,
  (count(*) filter (where ${failed}))::int as failed, (count(*) filter (where ${cancelled}))::int as cancelled,
  (count(*) filter (where ${succeeded}))::float8 / nullif(count(*) filter (where ${succeeded} or ${failed}), 0)
    as success_rate,
  ${percentiles('duration')} as took, ${percentiles('wait')} as waited,
  coalesce(sum(cpu_ms), 0)::float8 as cpu_ms, max(memory_bytes)::float8 as memory_max_bytes`
