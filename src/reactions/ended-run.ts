/** A run of an event with how it ended, for what follows it. */
import type { Queryable } from '../db/pool.ts'
import type { Cause } from '../events/begin.ts'
import { payloadOf } from '../events/event-runs.ts'
import type { Payload } from '../events/payload.ts'
import type { EventDefinition, EventTrigger } from '../job/event.ts'
import type { JobOutcome } from '../job/outcome.ts'
import { isTerminal, type TerminalState } from '../job/state.ts'

export interface EndedEventRun {
  key: string
  publicId: string
  eventKey: string
  event: { publicId: string; name: string }
  ownerId: string
  version: number | null
  definition: EventDefinition
  trigger: EventTrigger
  cause: Cause
  depth: number
  rootRun: string | null
  input: Payload | null
  end: RunOutcome
  output: Payload | null
  condition: boolean | null
}

export interface RunOutcome {
  state: TerminalState
  exitCode: number | null
  signal: string | null
  errorClass: string | null
  message: string | null
  startedAt: Date | null
  endedAt: Date | null
  cpuMs: number | null
  memoryBytes: number | null
  attempts: number
}

interface Row {
  key: string
  publicId: string
  eventKey: string
  eventId: string
  eventName: string
  ownerId: string
  version: number | null
  definition: EventDefinition
  trigger: EventTrigger
  cause: Cause
  depth: number
  rootRun: string | null
  endState: TerminalState | null
  exitCode: number | null
  error: string | null
  inputType: string | null
  input: Buffer | null
  inputArtifact: string | null
  inputBytes: number | null
  jobId: string | null
  pipelineRunId: string | null
  jobKey: string | null
  jobState: TerminalState | null
  outcome: Partial<JobOutcome> | null
  startedAt: Date | null
  endedAt: Date | null
  cpuMs: number | null
  memoryBytes: number | null
  attempts: number
  pipelineState: string | null
  result: 'succeeded' | 'failed' | 'cancelled' | null
  lastError: string | null
  condition: boolean | null
  outputType: string | null
  output: Buffer | null
  outputArtifact: string | null
  outputBytes: number | null
}

/** What helpers of its last attempt said stands beside the job. */
const statement = `select er.id as key, er.public_id as "publicId", er.event_id as "eventKey", e.public_id as "eventId",
    e.name as "eventName", er.owner_id as "ownerId", er.version, er.definition, er.trigger, er.cause, er.depth,
    er.root_run as "rootRun", er.end_state as "endState", er.exit_code as "exitCode", er.error, er.input_type as "inputType", er.input, er.input_artifact as "inputArtifact",
    er.input_bytes::float8 as "inputBytes", er.job_id as "jobId", er.pipeline_run_id as "pipelineRunId",
    j.id as "jobKey", j.state as "jobState", coalesce(j.outcome, a.outcome) as outcome,
    coalesce(er.started_at, j.started_at, r.started_at) as "startedAt",
    coalesce(er.ended_at, j.ended_at, r.ended_at) as "endedAt",
    used.cpu::float8 as "cpuMs", used.memory::float8 as "memoryBytes", coalesce(used.attempts, 0)::int as attempts,
    pr.state as "pipelineState", pr.result, pr.last_error as "lastError", ar.condition, ar.output_type as "outputType", ar.output,
    ar.output_artifact as "outputArtifact", ar.output_bytes::float8 as "outputBytes"
  from event_runs er join events e on e.id = er.event_id
  left join jobs j on j.public_id = er.job_id
  left join attempts a on a.job_id = j.id and a.number = j.last_attempt
  left join attempt_results ar on ar.job_id = j.id and ar.number = j.last_attempt
  left join lateral (
    select sum((t.outcome->'usage'->>'cpu_ms')::numeric) as cpu,
      max((t.outcome->'usage'->>'memory_peak_bytes')::numeric) as memory,
      count(*) filter (where t.state <> 'handed_back') as attempts
    from attempts t where t.job_id = j.id
  ) used on true
  left join runs r on r.public_id = er.pipeline_run_id left join pipeline_runs pr on pr.run_id = r.id`

/** Null: there is none, or what it does has not ended. One whose job was removed is `lost`. */
export async function endedEventRun(tx: Queryable, key: string): Promise<EndedEventRun | null> {
  const { rows } = await tx.query<Row>({
    name: 'reactions_ended_run',
    text: `${statement} where er.id = $1`,
    values: [key],
  })
  const row = rows[0]
  const end = row && outcomeOf(row)
  if (!end) return null
  const { outputType, output, outputArtifact, outputBytes } = row
  return {
    ...{ key: row.key, publicId: row.publicId, eventKey: row.eventKey, ownerId: row.ownerId, version: row.version },
    ...{ definition: row.definition, trigger: row.trigger, cause: row.cause, depth: row.depth, rootRun: row.rootRun },
    event: { publicId: row.eventId, name: row.eventName },
    input: payloadOf(row),
    end,
    output: payloadOf({ inputType: outputType, input: output, inputArtifact: outputArtifact, inputBytes: outputBytes }),
    condition: row.condition,
  }
}

/** What the run's own row says once it was settled, which outlives the job; before that, what does it. */
function outcomeOf(row: Row): RunOutcome | null {
  const { startedAt, endedAt, cpuMs, memoryBytes, attempts, outcome, endState, jobState } = row
  const state = endState ?? stateOfWork(row)
  if (state === null) return null
  const lost = jobState === null && row.result === null && row.jobId !== null
  const message = outcome?.message ?? row.error ?? row.lastError
  return {
    ...{ state, startedAt, endedAt, cpuMs, memoryBytes, attempts },
    exitCode: outcome?.exit_code ?? row.exitCode,
    signal: outcome?.signal ?? null,
    errorClass: outcome?.error_class ?? null,
    message: message ?? (lost && endState === null ? 'its job was removed before its end was seen' : null),
  }
}

/** Null: it goes on, or waits for a place. */
function stateOfWork({ jobState, result, pipelineState, jobId, pipelineRunId }: Row): TerminalState | null {
  if (jobState !== null) return isTerminal(jobState) ? jobState : null
  if (pipelineState !== null) return result
  return jobId === null && pipelineRunId === null ? null : 'lost'
}
