import type { SegmentKind } from '../../components/segmented-bar.tsx'
import type { EventKind, EventRun, EventStatus, EventTrigger } from '../../lib/api.ts'
import { states } from '../jobs/states.ts'
import { kindNames, statusNames, triggerNames } from './names.ts'

export const kindLabels: Record<EventKind, string> = {
  bash: 'Bash',
  python: 'Python',
  node: 'Node',
  http: 'HTTP request',
  message: 'Message',
  pipeline: 'Pipeline',
}
export const kinds: readonly EventKind[] = kindNames
export const isScript = (kind: EventKind): kind is 'bash' | 'python' | 'node' =>
  kind === 'bash' || kind === 'python' || kind === 'node'

export const statusLabels: Record<EventStatus, string> = {
  active: 'Active',
  paused: 'Paused',
  draft: 'Draft',
  archived: 'Archived',
}
export const statusMeanings: Record<EventStatus, string> = {
  active: 'Its triggers start it',
  paused: 'No trigger starts it; whoever may run it can',
  draft: 'Not in use yet: no trigger starts it',
  archived: 'Put away: nothing starts it',
}
export const statuses: readonly EventStatus[] = statusNames

export const triggerLabels: Record<EventTrigger, string> = {
  manual: 'By hand',
  api: 'API',
  schedule: 'Schedule',
  webhook: 'Webhook',
  job: 'After a job',
  event: 'After an event',
  pipeline: 'After a pipeline',
  action: 'Action',
  test: 'Test',
  redrive: 'Redrive',
}
export const triggers: readonly EventTrigger[] = triggerNames

export const runStatusLabels: Record<EventRun['status'], string> = {
  queued: 'Waiting',
  claimed: 'Starting',
  processing: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

export const toneOf = (state: EventRun['state']): SegmentKind => states[state].tone

export const isOpen = ({ ended_at }: Pick<EventRun, 'ended_at'>): boolean => ended_at === null

/** How long it has taken, ms; null before it began. */
export function elapsedMs({ started_at, ended_at }: Pick<EventRun, 'started_at' | 'ended_at'>, now: number) {
  if (started_at === null) return null
  return Math.max(0, (ended_at ? Date.parse(ended_at) : now) - Date.parse(started_at))
}
