import { taskStateNames } from '../state-names.ts'
import type { TaskState } from '../words.ts'

export const runTabs = ['tasks', 'details'] as const
export type RunTab = (typeof runTabs)[number]

/** What of a run is shown, as it stands in the URL: a link to a task is the page's own address. */
export interface RunPlace {
  tab?: Exclude<RunTab, 'tasks'>
  /** The task that is open, and which of its instances. */
  task?: string
  item?: number
  state?: TaskState
  /** Part of a task's name. */
  q?: string
}

export function readRunPlace(search: Record<string, unknown>): RunPlace {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined)
  const item = Number(search['item'] ?? -1)
  return {
    tab: search['tab'] === 'details' ? 'details' : undefined,
    task: text(search['task']),
    item: Number.isSafeInteger(item) && item >= 0 ? item : undefined,
    state: taskStateNames.find((name) => name === search['state']),
    q: text(search['q']),
  }
}
