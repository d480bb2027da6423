/** What an attempt said by its helpers, and the calls of it that must not take effect twice. */
import type { Person } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { isOpen, ofRunner } from '../queue/statements.ts'
import type { AttemptRef, FromRunner } from '../queue/types.ts'

/** An attempt that the sender holds, with what its helpers need to know. */
export interface HeldAttempt {
  ref: AttemptRef
  /** Of its job. */
  publicId: string
  name: string
  /** With the rights that the account has now. */
  owner: Person
  /** Why the owner may do nothing any more. */
  ownerGone: 'disabled' | 'deleted' | null
  helpers: boolean
  startedAt: Date | null
  /** Of the run that it does; null: a plain job. */
  run: string | null
}

/**
 * Null: it is over, went elsewhere, or is not the sender's. It is kept from ending until the transaction does: heartbeats
 * and other helpers of it do not wait. Its job first, as those do who end it: a result refers to the job, and the two
 * would wait for each other.
 */
export async function holdAttempt(tx: Queryable, from: FromRunner, ref: AttemptRef): Promise<HeldAttempt | null> {
  type Row = Omit<HeldAttempt, 'ref' | 'owner'> & Pick<Person, 'userId' | 'username' | 'role'> & { open: boolean }
  const { rows } = await tx.query<Row>({
    name: 'helpers_hold',
    text: `select j.public_id as "publicId", j.name, coalesce(a.started_at, a.leased_at) as "startedAt", u.id as "userId", u.username, u.role,
        case when u.deleted_at is not null then 'deleted' when u.disabled_at is not null then 'disabled' end as "ownerGone",
        coalesce((j.spec->>'helpers')::boolean, false) or j.spec ? 'event' as helpers,
        j.spec->'event'->>'run_id' as run, a.ended_at is null as open
      from jsonb_to_record($1::jsonb) as h(runner_id bigint, session text)
      join runners r on r.id = h.runner_id and r.session = h.session
      join attempts a on a.job_id = $2::bigint and a.number = $3 and a.token = $4::bigint and ${ofRunner('h')}
      join jobs j on j.id = a.job_id join users u on u.id = j.owner_id
      for key share of j, a`,
    values: [JSON.stringify({ runner_id: from.runnerId, session: from.session }), ref.jobKey, ref.number, ref.token],
  })
  if (!rows[0]?.open) return null
  const { open: _, userId, username, role, ...held } = rows[0]
  return { ref, ...held, owner: { kind: 'user', userId, username, role } }
}

const resultTypes = {
  condition: 'boolean',
  output_type: 'text',
  output: 'bytea',
  output_artifact: 'bigint',
  output_bytes: 'bigint',
  progress: 'real',
  status_text: 'text',
} as const
type Column = keyof typeof resultTypes

export interface Output {
  output_type: string
  output: Buffer | null
  /** `artifacts.id`. */
  output_artifact: string | null
  output_bytes: number
}
export type AttemptResult = Partial<
  Output & { condition: boolean; progress: number | null; status_text: string | null }
>

/** What is not given stays as it is. False: the attempt is over, and nothing was written. */
export async function writeResult(tx: Queryable, ref: AttemptRef, result: AttemptResult): Promise<boolean> {
  const columns = (Object.keys(resultTypes) as Column[]).filter((column) => result[column] !== undefined)
  if (columns.length === 0) return true
  const { rowCount } = await tx.query({
    name: `helpers_result_${columns.join('_')}`,
    text: `insert into attempt_results (job_id, number, ${columns.join(', ')})
      select a.job_id, a.number, ${columns.map((column, i) => `$${i + 4}::${resultTypes[column]}`).join(', ')}
      from attempts a where a.job_id = $1::bigint and a.number = $2 and a.token = $3::bigint and ${isOpen('a')}
      on conflict (job_id, number) do update
        set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}, updated_at = now()`,
    values: [ref.jobKey, ref.number, ref.token, ...columns.map((column) => result[column])],
  })
  return rowCount === 1
}

/** Of an attempt that has ended, from what it left in a file: what it said while it ran counts more. */
export async function addResult(
  tx: Queryable,
  { jobKey, number }: Pick<AttemptRef, 'jobKey' | 'number'>,
  { condition, output }: { condition: boolean | null; output: { type: string; bytes: Buffer } | null },
): Promise<void> {
  await tx.query({
    name: 'helpers_result_from_file',
    text: `insert into attempt_results as r (job_id, number, condition, output_type, output, output_bytes)
      values ($1::bigint, $2, $3, $4, $5, $6)
      on conflict (job_id, number) do update set condition = coalesce(r.condition, excluded.condition),
        output = case when r.output_type is null then excluded.output else r.output end,
        output_bytes = case when r.output_type is null then excluded.output_bytes else r.output_bytes end,
        output_type = coalesce(r.output_type, excluded.output_type)`,
    values: [jobKey, number, condition, output?.type ?? null, output?.bytes ?? null, output?.bytes.length ?? null],
  })
}

/**
 * Takes a caller's key for this call. The answer that the first one with it got, undefined: this is the first. One that
 * comes meanwhile waits for the first one's end.
 */
export async function claimCall(tx: Queryable, { jobKey, number }: AttemptRef, key: string): Promise<unknown> {
  const { rowCount } = await tx.query({
    name: 'helpers_call_claim',
    text: `insert into helper_calls (job_id, number, key, answer) values ($1::bigint, $2, $3, 'null')
      on conflict do nothing`,
    values: [jobKey, number, key],
  })
  if (rowCount === 1) return undefined
  const { rows } = await tx.query<{ answer: unknown }>({
    name: 'helpers_call_answer',
    text: 'select answer from helper_calls where job_id = $1::bigint and number = $2 and key = $3',
    values: [jobKey, number, key],
  })
  return rows[0]?.answer
}

export async function keepAnswer(tx: Queryable, ref: AttemptRef, key: string, answer: unknown): Promise<void> {
  await tx.query({
    name: 'helpers_call_keep',
    text: 'update helper_calls set answer = $4::jsonb where job_id = $1::bigint and number = $2 and key = $3',
    values: [ref.jobKey, ref.number, key, JSON.stringify(answer)],
  })
}

/** A caller gives up after a minute or two: what is older only takes room. */
export async function forgetCalls(tx: Queryable, { jobKey, number }: AttemptRef): Promise<void> {
  await tx.query({
    name: 'helpers_calls_forget',
    text: `delete from helper_calls where job_id = $1::bigint and number = $2
      and created_at < now() - interval '15 minutes'`,
    values: [jobKey, number],
  })
}
