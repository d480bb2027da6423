/** What a list's checkboxes do: each job by itself, as if it had been asked for alone, with its own audit row. */
import { may } from '../access/permissions.ts'
import { createAtMost } from '../lib/at-most.ts'
import { isAppError } from '../lib/app-error.ts'
import { noteRefused } from './audited.ts'
import { known, refusal, type Ask, type Deps } from './deps.ts'
import { cancelJob, deleteJob, rerunJob, type SubmitTogether } from './jobs.ts'

export interface JobActionsInput {
  action: 'cancel' | 'rerun' | 'delete'
  ids: string[]
  reason?: string
}

/** In the order of the ids. */
export interface JobActionsResult {
  done: { id: string; new_id?: string }[]
  refused: { id: string; code: string; message: string }[]
}

/** Requests of others get their connections to the database in between. */
const atOnce = 4

export async function actOnJobs(
  deps: Deps,
  together: SubmitTogether,
  anyAsk: Ask,
  { action, ids, reason }: JobActionsInput,
): Promise<JobActionsResult> {
  const ask = known(anyAsk)
  const act = { action: `job.${action}` as const }
  if (!may(ask.principal, act.action)) {
    const error = refusal(ask, act.action, `your role (${ask.principal.role}) may not ${action} jobs`)
    await noteRefused(deps, ask, act, error)
    throw error
  }
  const actOn = async (id: string): Promise<{ id: string; new_id?: string }> => {
    if (action === 'cancel') await cancelJob(deps, ask, { id, reason })
    else if (action === 'delete') await deleteJob(deps, ask, id)
    else return { id, new_id: (await rerunJob(deps, together, ask, { id })).publicIds[0]! }
    return { id }
  }
  const turn = createAtMost(atOnce)
  const settled = await Promise.all(
    [...new Set(ids)].map((id) =>
      turn(() => actOn(id)).catch((error: unknown) => {
        if (!isAppError(error)) throw error
        return { id, code: error.code, message: error.message }
      }),
    ),
  )
  const isRefused = (one: object): one is JobActionsResult['refused'][number] => 'code' in one
  return { done: settled.filter((one) => !isRefused(one)), refused: settled.filter(isRefused) }
}
