/** Jobs that spent their attempts: listed until somebody runs them again or says that it does not matter. */
import { may, scopeOf } from '../access/permissions.ts'
import { findOwnerId } from '../access/users.ts'
import {
  countOpen,
  findDeadLetters,
  lockDeadLetter,
  settleDeadLetter,
  sourceOf,
  type DeadLetterFilter,
  type DeadLetterRow,
  type DeadLetterState,
} from '../failures/find-dead-letters.ts'
import { showSource } from '../failures/source.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { createAtMost } from '../lib/at-most.ts'
import { audited, noteRefused } from './audited.ts'
import { known, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { redrive } from './redrive.ts'

export interface ListDeadLettersInput {
  state?: DeadLetterState[] | undefined
  group?: string | undefined
  event?: string | undefined
  queue?: string | undefined
  owner?: string | undefined
  search?: string | undefined
  since?: string | undefined
  until?: string | undefined
  cursor?: string | undefined
  limit: number
}

/** Undefined: everybody's. */
function ownerSeen(ask: KnownAsk): string | undefined {
  const scope = scopeOf(ask.principal, 'dead_letter.read')
  if (scope === 'all') return undefined
  if (scope === 'none' || ask.principal.userId === null) {
    throw refusal(ask, 'dead_letter.read', 'you may not see failed jobs')
  }
  return ask.principal.userId
}

export async function listDeadLetters(deps: Deps, anyAsk: Ask, input: ListDeadLettersInput) {
  const seen = ownerSeen(known(anyAsk))
  const { cursor, limit, owner, since, until, state = ['open' as const], ...rest } = input
  const open = await countOpen(deps.db, seen)
  const named = owner === undefined ? undefined : await findOwnerId(deps.db, owner)
  // Another's name looks the same to an operator as a name that nobody has.
  if (named === null || (seen !== undefined && named !== undefined && named !== seen)) {
    return { dead_letters: [], next_cursor: null, open }
  }
  const filter: DeadLetterFilter = {
    ...{ ...rest, state, ownerId: seen ?? named },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  }
  const rows = await findDeadLetters(deps.db, filter, { before: cursor, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  return { dead_letters: shown.map(show), next_cursor: rows.length > limit ? shown.at(-1)!.key : null, open }
}

const show = (row: DeadLetterRow) => {
  const source = showSource(sourceOf(row), row.eventName)
  return {
    ...{ job_id: row.jobId, name: row.name, owner: row.owner, state: row.state, job_state: row.jobState },
    source: { ...source, id: source.kind === 'pipeline' ? row.pipelineRun : source.id },
    ...{ exit_code: row.exitCode, error: row.error, attempts: row.attempts, group_id: row.group },
    ...{ event_run_id: row.eventRun, pipeline_run_id: row.pipelineRun, batch_id: row.batch },
    ...{ redriven_as: row.redrivenAs, acted_by: row.actedBy, at: row.at.toISOString() },
  }
}

export interface ActOnDeadLettersInput {
  action: 'redrive' | 'dismiss'
  jobs?: string[] | undefined
  all?:
    | {
        group?: string | undefined
        event?: string | undefined
        queue?: string | undefined
        search?: string | undefined
      }
    | undefined
}

export interface ActedOnDeadLetters {
  done: { job_id: string; redriven_as: string | null }[]
  refused: { job_id: string; reason: string }[]
  more: boolean
}

/** One call ends within seconds, and a redrive of ten thousand does not take every place of a queue at once. */
const doneAtOnce = 200
/** Requests of others get their connections to the database in between. */
const atOnce = 4

/** Each by itself, with its own audit row: what is refused holds up no other. */
export async function actOnDeadLetters(
  deps: Deps,
  anyAsk: Ask,
  { action, jobs, all }: ActOnDeadLettersInput,
): Promise<ActedOnDeadLetters> {
  const ask = known(anyAsk)
  const act = { action: `dead_letter.${action}` }
  if (!may(ask.principal, 'dead_letter.act')) {
    const error = refusal(ask, 'dead_letter.act', `your role (${ask.principal.role}) may not ${action} failed jobs`)
    await noteRefused(deps, ask, act, error)
    throw error
  }
  if ((jobs === undefined) === (all === undefined)) {
    const message = 'name the jobs, or give all with filters ({} is all open ones)'
    throw new AppError('invalid_argument', `jobs: ${message}`, { fields: [{ field: 'jobs', message }] })
  }
  const named = jobs && [...new Set(jobs)]
  const ownerId = ownerSeen(ask)
  const filter = named ? { ownerId, jobs: named } : { ...all, ownerId, state: ['open' as const] }
  const most = named?.length ?? doneAtOnce * 5
  const rows = await findDeadLetters(deps.db, filter, { limit: most + 1 })
  const result: ActedOnDeadLetters = { done: [], refused: [], more: false }
  const there = new Set(rows.map((row) => row.jobId))
  for (const job of named ?? []) {
    if (!there.has(job)) result.refused.push({ job_id: job, reason: 'no failed job of this id, or you may not see it' })
  }
  const turn = createAtMost(atOnce)
  const toDo = rows.slice(0, most)
  let left = named ? toDo.length : doneAtOnce
  let skipped = rows.length > most
  await Promise.all(
    toDo.map((row) =>
      turn(async () => {
        if (left <= 0) return void (skipped = true)
        left--
        try {
          result.done.push({ job_id: row.jobId, redriven_as: await actOn(deps, ask, row, action) })
        } catch (error) {
          if (!isAppError(error)) throw error
          if (!named) left++
          result.refused.push({ job_id: row.jobId, reason: error.message })
        }
      }),
    ),
  )
  // A call that did nothing would do nothing again.
  return { ...result, more: skipped && result.done.length > 0 }
}

/** Public id of what repeats it. */
function actOn(deps: Deps, ask: KnownAsk, row: DeadLetterRow, action: 'redrive' | 'dismiss'): Promise<string | null> {
  const act = { action: `dead_letter.${action}`, target: `job:${row.jobId}` }
  return audited(deps, ask, act, async (tx, note) => {
    if (!may(ask.principal, 'dead_letter.act', row)) {
      throw new AppError('permission_denied', `only the owner or an administrator may ${action} it`)
    }
    if (action === 'redrive') deps.closing.check()
    const before = await lockDeadLetter(tx, row)
    if (before === null) throw new AppError('not_found', 'it is gone: the job was removed')
    if (before.state !== 'open') {
      // Another task of the same run came first in this very call, and took this one along.
      const together = action === 'redrive' && row.pipelineRun !== null && row.state === 'open'
      if (together && before.redrivenAs !== null) return before.redrivenAs
      throw new AppError('conflict', `it is ${before.state} already, by ${before.actedBy}`)
    }
    const by = ask.principal.username
    if (action === 'dismiss') {
      await settleDeadLetter(tx, row.key, { state: 'dismissed', by, as: null })
      return null
    }
    const as = await redrive(tx, deps, ask, row)
    await settleDeadLetter(tx, row.key, { state: 'redriven', by, as })
    note({ redriven_as: as })
    return as
  })
}
