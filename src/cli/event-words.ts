/** Words that lists of events and their runs are narrowed by. */
import { InvalidArgumentError } from 'commander'
import type { EventRun, EventSummary } from '../api/contract/index.ts'

export const kinds: EventSummary['kind'][] = ['bash', 'python', 'node', 'http', 'message', 'pipeline']
export const statuses: EventSummary['status'][] = ['draft', 'active', 'paused', 'archived']
export const runStatuses: EventRun['status'][] = [
  ...(['queued', 'claimed', 'processing', 'completed', 'failed', 'cancelled'] as const),
]
export const runTriggers: EventRun['trigger'][] = [
  ...(['manual', 'api', 'schedule', 'webhook', 'job', 'event', 'pipeline', 'action', 'test', 'redrive'] as const),
]

/** Joined to those before. */
export const oneOf =
  <T extends string>(words: readonly T[]) =>
  (text: string, before?: T[]): T[] => {
    const found = words.find((word) => word === text)
    if (found === undefined) throw new InvalidArgumentError(`is one of ${words.join(', ')}`)
    return [...(before ?? []), found]
  }
