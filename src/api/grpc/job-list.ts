/** `List` in the words of the contract's list, whose schema it is checked with. */
import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt'
import { listJobsInput } from '../contract/jobs.ts'
import { fieldsRefused } from '../errors.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import type { ListInput } from '../../operations/find-jobs.ts'
import type { ListRequest } from './gen/runyard/v1/job_service_pb.js'
import { wrongField } from './job-calls.ts'

const names: Record<string, string> = {
  state: 'states',
  status: 'statuses',
  limit: 'page_size',
  cursor: 'page_token',
  label: 'labels',
}

export const listFieldName = (field: string): string => field.replace(/^\w+/, (root) => names[root] ?? root)

export function listInput(request: ListRequest): ListInput {
  const { states, statuses, labels, pageSize, pageToken } = request
  const parsed = listJobsInput.safeParse({
    state: states.length === 0 ? undefined : states,
    status: statuses.length === 0 ? undefined : statuses,
    name: request.name || undefined,
    queue: request.queue || undefined,
    owner: request.owner || undefined,
    limit: pageSize === 0 ? undefined : pageSize,
    cursor: pageToken || undefined,
    since: instantOf(request.since, 'since'),
    until: instantOf(request.until, 'until'),
    rerun_of: request.rerunOf || undefined,
    label: labels.length === 0 ? undefined : labels,
  })
  if (parsed.success) return parsed.data
  throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
}

function instantOf(time: Timestamp | undefined, field: string): string | undefined {
  if (time === undefined) return undefined
  const date = timestampDate(time)
  if (Number.isNaN(date.getTime())) throw wrongField(field, 'is no time')
  return date.toISOString()
}
