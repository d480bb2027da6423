import type { SegmentKind } from '../../../components/segmented-bar.tsx'
import type { PipelineTask } from '../../../lib/api.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { taskStates } from '../words.ts'

/** It failed, and was allowed to. */
export const isForgiven = ({ allow_failure, state, exit_code }: PipelineTask): boolean =>
  allow_failure && state === 'done' && exit_code !== null && exit_code !== 0

/** The colour of what became of it, the same wherever it is drawn. */
export const toneOf = (task: PipelineTask): SegmentKind => (isForgiven(task) ? 'running' : taskStates[task.state].tone)

/** `deploy`, or of an instance `deploy #3`, as people count. */
export const taskTitle = ({ name, item }: Pick<PipelineTask, 'name' | 'item'>): string =>
  visibleText(item === null ? name : `${name} #${item + 1}`)

/** In a text of the server `each[7]` is the instance that people see as `each #8`. */
export function countedFromOne(text: string, name: string): string {
  const [first = '', ...rest] = text.split(`${name}[`)
  return first + rest.map((part) => counted(part, name)).join('')
}

function counted(part: string, name: string): string {
  const [whole, index] = /^(\d+)\]/u.exec(part) ?? []
  return whole === undefined ? `${name}[${part}` : `${name} #${Number(index) + 1}${part.slice(whole.length)}`
}

/** What of a task is worth a line: why it waits, failed, or was never started. */
export function noteOf(task: PipelineTask): string {
  const { state, error, job_note, waiting_reason, approval, exit_code } = task
  const said = error && job_note ? `${error}; ${job_note}` : (error ?? job_note)
  if (said) return sentence(visibleText(countedFromOne(said, task.name)))
  if (state === 'approval') return visibleText(approval?.message ?? 'Somebody must approve or reject it')
  if (waiting_reason) return sentence(visibleText(waiting_reason))
  if (approval?.decision) {
    const by = approval.decided_by ? ` by ${approval.decided_by}` : ''
    return sentence(
      visibleText(`${approval.decision.replace('_', ' ')}${by}${approval.note ? `: ${approval.note}` : ''}`),
    )
  }
  return exit_code !== null && exit_code !== 0 ? `Exit code ${exit_code}` : ''
}

/** What an instance is of: its item, as short as it can be said. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return visibleText(typeof value === 'string' ? value : JSON.stringify(value))
}
