/** Runs of events as they are listed and shown. */
import type { Queryable } from '../db/pool.ts'
import type { FiringState } from '../job/event-action.ts'
import type { EventDefinition, EventKind, EventTrigger } from '../job/event.ts'
import type { JobState } from '../job/state.ts'
import type { Cause } from './begin.ts'
import type { StoredInput } from './event-runs.ts'
import type { RunGlance } from './find-events.ts'
import { openState, runTables } from './run-state.ts'

/** Null sees all; else one's own, and those that one began of a shared event. */
export type RunViewer = { userId: string; username: string } | null

export interface EventRunRow {
  key: string
  publicId: string
  eventKey: string
  eventId: string
  eventName: string
  kind: EventKind
  ownerId: string
  /** Username. */
  owner: string
  version: number | null
  state: JobState
  trigger: EventTrigger
  cause: Cause
  /** Names of what it speaks of. */
  scheduleName: string | null
  webhookName: string | null
  fromEvent: string | null
  jobId: string | null
  /** Of its job, as long as that is there. */
  executor: string | null
  image: string | null
  hosts: string[] | null
  pipelineRunId: string | null
  depth: number
  condition: boolean | null
  progress: number | null
  statusText: string | null
  exitCode: number | null
  error: string | null
  attempts: number
  maxRunning: number | null
  createdAt: Date
  startedAt: Date | null
  endedAt: Date | null
  settledAt: Date | null
}

/** `$2`: whoever looks, null: all. Another's private event is not named to them, though its action began the run. */
const columns = `er.id as key, er.public_id as "publicId", er.event_id as "eventKey", e.public_id as "eventId",
  e.name as "eventName", er.definition->>'kind' as kind, er.owner_id as "ownerId", u.username as owner, er.version,
  ${openState} as state, er.trigger, er.cause,
  (select name from schedules where public_id = er.cause->>'schedule') as "scheduleName",
  (select name from event_webhooks where public_id = er.cause->>'webhook') as "webhookName",
  (select f.name from event_runs fr join events f on f.id = fr.event_id where fr.public_id = er.cause->>'run'
    and ($2::bigint is null or f.owner_id = $2::bigint or f.shared)) as "fromEvent",
  er.job_id as "jobId", j.spec->>'executor' as executor, j.spec->'container'->>'image' as image,
  j.spec->'hosts' as hosts, er.pipeline_run_id as "pipelineRunId", er.depth, ar.condition, ar.progress,
  ar.status_text as "statusText", coalesce(er.exit_code, (j.outcome->>'exit_code')::int) as "exitCode",
  coalesce(er.error, case when ${openState} <> 'succeeded' then j.outcome->>'message' end, pr.last_error) as error,
  coalesce(er.attempts, j.attempts_spent, 0) as attempts, (er.definition->>'max_running')::int as "maxRunning",
  er.created_at as "createdAt", coalesce(er.started_at, j.started_at, pr0.started_at) as "startedAt",
  coalesce(er.ended_at, j.ended_at, pr0.ended_at) as "endedAt", er.settled_at as "settledAt"`
const tables = `event_runs er join events e on e.id = er.event_id join users u on u.id = er.owner_id ${runTables}
  left join attempt_results ar on ar.job_id = j.id and ar.number = j.last_attempt`

const seen = (userId: string, username: string): string =>
  `(${userId}::bigint is null or er.owner_id = ${userId} or er.cause->>'by' = ${username})`

/** Null: it is not there, or may not be seen. */
export async function findEventRun(db: Queryable, id: string, viewer: RunViewer): Promise<EventRunRow | null> {
  const { rows } = await db.query<EventRunRow>({
    name: 'event_runs_find',
    text: `select ${columns} from ${tables} where er.public_id = $1 and ${seen('$2', '$3')}`,
    values: [id, viewer?.userId ?? null, viewer?.username ?? null],
  })
  return rows[0] ?? null
}

/** Whether this person began the run that the job does: it may be of somebody else's event. */
export async function beganRunOf(db: Queryable, jobId: string, username: string): Promise<boolean> {
  const { rows } = await db.query({
    name: 'event_runs_began',
    text: `select from event_runs where job_id = $1 and cause->>'by' = $2`,
    values: [jobId, username],
  })
  return rows.length > 0
}

export interface EventRunFilter {
  viewer: RunViewer
  eventKey?: string | undefined
  states?: JobState[] | undefined
  trigger?: EventTrigger[] | undefined
  ownerId?: string | undefined
  since?: Date | undefined
  until?: Date | undefined
}

/** Runs that one page of a search looks at: what no index answers is bounded. */
const lookAtMost = 10_000

/** Newest first. A page of a search may have fewer rows than asked for, even none, and still a `nextCursor`. */
export async function listEventRunRows(
  db: Queryable,
  filter: EventRunFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<{ rows: EventRunRow[]; nextCursor: string | null }> {
  const { viewer, eventKey, states, trigger, ownerId, since, until } = filter
  const searches = [states, trigger, since, until].some((one) => one !== undefined)
  const looks = searches ? Math.max(lookAtMost, limit + 1) : limit + 1
  const { rows } = await db.query<EventRunRow & { stopped: string | null }>(
    `with looked as materialized (
       select id, job_id, pipeline_run_id, end_state, trigger, created_at
       from (${lookedAt(viewer, looks)}) seen order by id desc limit ${looks}
     ), stopped as (
       select case when count(*) >= ${looks} then min(id) end as id from looked
     ), found as materialized (
       select er.id from looked er ${runTables}
       where ($6::text[] is null or ${openState} = any($6)) and ($7::text[] is null or er.trigger = any($7))
         and ($8::timestamptz is null or er.created_at >= $8) and ($9::timestamptz is null or er.created_at < $9)
       order by er.id desc limit $10::int
     ), page as (
       select ${columns} from found join ${tables} on true where er.id = found.id
     )
     select page.*, stopped.id as stopped from stopped left join page on true order by page.key desc`,
    [
      before !== undefined && /^[0-9]{1,18}$/.test(before) ? before : String(2n ** 63n - 1n),
      ...[viewer?.userId ?? null, viewer?.username ?? null, ownerId ?? null, eventKey ?? null],
      ...[states ?? null, trigger ?? null, since ?? null, until ?? null, limit + 1],
    ],
  )
  const runs = rows.flatMap(({ stopped: _stopped, ...row }) => (row.key ? [row as EventRunRow] : []))
  const page = runs.slice(0, limit)
  const more = searches ? (rows[0]?.stopped ?? null) : null
  return { rows: page, nextCursor: runs.length > limit ? page.at(-1)!.key : more }
}

/** One stream for all, or one for each reason to see a run, so that each follows an index from its newest on. */
function lookedAt(viewer: RunViewer, looks: number): string {
  const stream = (seenBy: string): string =>
    `(select * from event_runs er where er.id < $1::bigint and ($4::bigint is null or er.owner_id = $4)
      and ($5::bigint is null or er.event_id = $5) ${seenBy} order by er.id desc limit ${looks})`
  if (viewer === null) return stream('and ($2::bigint is null or $3::text is null)')
  return `${stream('and er.owner_id = $2::bigint')}
    union all ${stream("and er.cause->>'by' = $3 and er.owner_id <> $2::bigint")}`
}

export interface StoredOutput {
  /** Content type; null: it has none. */
  type: string | null
  bytes: Buffer | null
  artifact: string | null
  size: number | null
}

export interface FiringRow {
  id: string
  action: string
  iteration: number
  kind: 'message' | 'event' | 'pipeline' | 'webhook' | 'set_variable' | 'rerun'
  state: FiringState
  dueAt: Date
  doneAt: Date | null
  reason: string | null
  deliveryId: string
  result: { run?: string; pipeline_run?: string; job?: string } | null
}

export interface RunMore extends StoredInput {
  definition: EventDefinition
  output: StoredOutput
  actions: FiringRow[]
  /** Runs that it began, oldest first. */
  started: RunGlance[]
}

/** What only the page of one run shows; of the runs that it began those that `viewer` may see. */
export async function runMore(db: Queryable, key: string, viewer: RunViewer = null): Promise<RunMore> {
  const [{ rows }, firings, started] = await Promise.all([
    db.query<Omit<RunMore, 'output' | 'actions' | 'started'> & { output: Buffer | null; [ar: string]: unknown }>({
      name: 'event_runs_more',
      text: `select er.definition, er.input_type as "inputType", er.input, er.input_artifact as "inputArtifact",
          er.input_bytes::float8 as "inputBytes", ar.output_type as "outputType", ar.output,
          ar.output_artifact as "outputArtifact", ar.output_bytes::float8 as "outputBytes"
        from event_runs er left join jobs j on j.public_id = er.job_id
          left join attempt_results ar on ar.job_id = j.id and ar.number = j.last_attempt
        where er.id = $1`,
      values: [key],
    }),
    db.query<FiringRow>({
      name: 'event_runs_firings',
      text: `select id, action, iteration, (select k from json_object_keys(effect) k limit 1) as kind, state,
          due_at as "dueAt", done_at as "doneAt", reason, delivery_id as "deliveryId", result
        from action_firings where run_id = $1 order by id`,
      values: [key],
    }),
    db.query<RunGlance>({
      name: 'event_runs_started',
      text: `select er.public_id as id, ${openState} as state, er.trigger,
          to_char(er.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at,
          to_char(coalesce(er.ended_at, j.ended_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ended_at
        from event_runs first join event_runs er on er.root_run = coalesce(first.root_run, first.public_id)
          and er.cause->>'run' = first.public_id ${runTables}
        where first.id = $1 and ${seen('$2', '$3')} order by er.id limit 100`,
      values: [key, viewer?.userId ?? null, viewer?.username ?? null],
    }),
  ])
  const { outputType, output, outputArtifact, outputBytes, ...more } = rows[0]!
  return {
    ...(more as unknown as Omit<RunMore, 'output' | 'actions' | 'started'>),
    output: {
      type: outputType as string | null,
      bytes: output,
      artifact: outputArtifact as string | null,
      size: outputBytes as number | null,
    },
    actions: firings.rows,
    started: started.rows,
  }
}
