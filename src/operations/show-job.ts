/** A row of the queue as its reader sees it. Pure. */
import type { JobOutcome } from '../job/outcome.ts'
import { withMemory } from '../job/memory-growth.ts'
import type { Limits, SealedEnv, StoredSpec } from '../job/spec.ts'
import { isTerminal } from '../job/state.ts'
import { batchWordOf } from '../job/status-word.ts'
import type { TestCounts } from '../queue/tests.ts'
import type { AttemptRow, JobRow, WaitingReason } from '../queue/find.ts'
import { effectiveLimits, type LimitPolicy } from './limits.ts'

export interface Surroundings {
  policy: LimitPolicy
  /** Of a waiting job. */
  waitingReason?: WaitingReason
  /** As its newest attempt reported them. */
  tests?: TestCounts
  now: Date
}

export function showJob(row: Omit<JobRow, 'jobKey'>, { policy, waitingReason, tests, now }: Surroundings) {
  const { payload: _, trace: _trace, outputs: _wanted, depends_on, ...spec } = row.spec as StoredSpec
  return {
    ...spec,
    depends_on,
    id: row.publicId,
    name: row.name,
    queue: row.queue,
    effective_limits: limitsOf(row.spec, row.memoryBytes, policy),
    state: row.state,
    status: batchWordOf(row.state),
    waiting_reason: waitingReason ?? null,
    owner: row.owner,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    duration_ms: duration(row.startedAt, row.endedAt, now),
    attempts_spent: row.attemptsSpent,
    last_attempt: row.lastAttempt,
    runner: row.runner,
    cancel_requested: row.cancelRequestedAt !== null,
    cancel_reason: row.cancelReason,
    rerun_of: row.rerunOf,
    pipeline_run_id: row.pipelineRunId,
    batch_id: row.batchId,
    batch_index: row.batchIndex,
    tests: tests ?? null,
    outputs: row.outputs,
    result: isTerminal(row.state) ? showResult(row.outcome, row.truncatedBytes) : null,
  }
}

/** A message or a request runs nothing that could be limited. */
const limitsOf = (spec: StoredSpec, grown: string | null, policy: LimitPolicy): Limits =>
  spec.executor === 'message' || spec.executor === 'http' ? {} : effectiveLimits(withMemory(spec, grown), policy).limits

export type ShownJob = ReturnType<typeof showJob> & {
  env?: Record<string, string>
  secret_env_names?: string[]
  payload?: StoredSpec['payload']
}

/** How a task's script travels (`pipelines/task-shell.ts`); its text is in the definition. */
const carriesScript = /^RUNYARD_TASK(_|$)/

/** What only the page of one job shows; the values of `env` only to its owner and administrators. */
export function showMore({ payload }: Pick<StoredSpec, 'payload'>, env: SealedEnv, mayReadEnv: boolean) {
  const shown = Object.fromEntries(Object.entries(env.env).filter(([variable]) => !carriesScript.test(variable)))
  return {
    ...(mayReadEnv && Object.keys(shown).length > 0 ? { env: shown } : {}),
    secret_env_names: Object.keys(env.secret_env),
    ...(payload === undefined ? {} : { payload }),
  }
}

export function showResult(outcome: JobOutcome | null, truncatedBytes: number | null | undefined) {
  if (outcome === null) return null
  return {
    exit_code: outcome.exit_code ?? null,
    signal: outcome.signal ?? null,
    error_class: outcome.error_class ?? null,
    message: outcome.message ?? null,
    usage: outcome.usage ?? null,
    unenforced: outcome.unenforced ?? [],
    remaining_processes: outcome.remaining_processes ?? null,
    truncated_bytes: truncatedBytes ?? 0,
    ...(outcome.hosts ? { hosts: outcome.hosts } : {}),
  }
}

export function showAttempt(row: AttemptRow, spec: StoredSpec, { policy, now }: Pick<Surroundings, 'policy' | 'now'>) {
  return {
    number: row.number,
    state: row.state,
    runner: row.runner,
    leased_at: row.leasedAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    duration_ms: duration(row.startedAt, row.endedAt, now),
    limits: limitsOf(spec, row.memoryBytes, policy),
    result: showResult(row.outcome, row.log?.truncated_bytes),
    log: row.log,
  }
}

export function duration(started: Date | null, ended: Date | null, now: Date): number | null {
  if (started === null) return null
  return Math.max(0, (ended ?? now).getTime() - started.getTime())
}
