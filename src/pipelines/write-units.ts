/** Writes what became of units: any number in one statement. */
import type { Queryable } from '../db/pool.ts'
import { safeJson } from '../queue/statements.ts'
import type { Unit } from './plan.ts'
import type { UnitEnd } from './unit-end.ts'

export type UnitChange = Unit & {
  name: string
  state: 'running' | 'approval' | UnitEnd['state']
  /** Of one that begins. */
  jobId?: string
  startedAt?: Date | null
  endedAt?: Date | null
  exitCode?: number | null
  /** Of a cancelled one: unless it says itself why. */
  error?: string | null
  outputs?: Record<string, unknown> | null
  decision?: 'timed_out'
}

export async function writeUnits(tx: Queryable, runKey: string, changes: readonly UnitChange[]): Promise<void> {
  if (changes.length === 0) return
  await tx.query({ name: 'pipelines_write_units', text: write, values: [runKey, safeJson(changes)] })
}

const write = `
  update run_tasks t set state = c.state, job_id = coalesce(c."jobId", t.job_id),
    started_at = coalesce(t.started_at, c."startedAt"), ended_at = c."endedAt", exit_code = c."exitCode",
    error = case when c.state = 'cancelled' then coalesce(t.error, c.error) else c.error end,
    outputs = coalesce(c.outputs, t.outputs), decision = coalesce(c.decision, t.decision),
    decided_at = case when c.decision is null then t.decided_at else clock_timestamp() end
  from jsonb_to_recordset($2::jsonb) as c(name text, item int, state text, "jobId" text, "startedAt" timestamptz,
    "endedAt" timestamptz, "exitCode" int, error text, outputs jsonb, decision text)
  where t.run_id = $1 and t.name = c.name and t.item = c.item`
