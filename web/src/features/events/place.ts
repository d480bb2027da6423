import type { EventKind, EventRun, EventTrigger } from '../../lib/api.ts'
import { readLogPlace, type LogPlace } from '../logs/log-place.ts'
import { kindNames, runStatusNames, triggerNames } from './names.ts'

export const eventTabs = ['runs', 'triggers', 'definition', 'versions', 'stats'] as const
export type EventTab = (typeof eventTabs)[number]

export interface RunFilters {
  status?: EventRun['status']
  trigger?: EventTrigger
}

/** What of an event is shown, as it stands in the URL. */
export interface EventPlace extends RunFilters {
  tab?: Exclude<EventTab, 'runs'>
  /** The two versions that are compared. */
  from?: number
  to?: number
}

const whole = (value: unknown) => {
  const number = Number(value)
  return Number.isSafeInteger(number) && number >= 1 ? number : undefined
}

export function readEventPlace(search: Record<string, unknown>): EventPlace {
  const tab = eventTabs.find((name) => name === search['tab'])
  return {
    tab: tab === 'runs' ? undefined : tab,
    status: runStatusNames.find((name) => name === search['status']),
    trigger: triggerNames.find((name) => name === search['trigger']),
    from: whole(search['from']),
    to: whole(search['to']),
  }
}

export const editTabs = ['what', 'triggers', 'actions', 'settings', 'yaml'] as const
export type EditTab = (typeof editTabs)[number]

export interface EditPlace {
  tab?: Exclude<EditTab, 'what'>
  /** The test run that is shown beside. */
  run?: string
}

export function readEditPlace(search: Record<string, unknown>): EditPlace {
  const tab = editTabs.find((name) => name === search['tab'])
  const run = search['run']
  return {
    tab: tab === 'what' ? undefined : tab,
    run: typeof run === 'string' && /^[0-9a-z]{12}$/.test(run) ? run : undefined,
  }
}

export interface NewPlace extends Pick<EditPlace, 'tab'> {
  kind?: EventKind
}

export function readNewPlace(search: Record<string, unknown>): NewPlace {
  return { tab: readEditPlace(search).tab, kind: kindNames.find((name) => name === search['kind']) }
}

export const runViews = ['log', 'output', 'input'] as const
export type RunView = (typeof runViews)[number]

export interface RunPlace extends LogPlace {
  view?: Exclude<RunView, 'log'>
}

export function readRunPlace(search: Record<string, unknown>): RunPlace {
  const view = runViews.find((name) => name === search['view'])
  return { ...readLogPlace(search), view: view === 'log' ? undefined : view }
}
