import { ages, type Age } from '../../jobs/filters.ts'
import type { RunFilters } from '../queries.ts'
import { runStatusNames, triggerNames } from '../state-names.ts'

export const pipelineTabs = ['runs', 'waiting', 'graph', 'schedules', 'versions', 'source'] as const
export type PipelineTab = (typeof pipelineTabs)[number]

/** What of a pipeline is shown, as it stands in the URL. */
export interface PipelinePlace extends RunFilters {
  tab?: Exclude<PipelineTab, 'runs'>
  /** The two versions that are compared. */
  from?: number
  to?: number
}

export function readPipelinePlace(search: Record<string, unknown>): PipelinePlace {
  const tab = pipelineTabs.find((name) => name === search['tab'])
  const since = search['since']
  const version = (value: unknown) => {
    const number = Number(value)
    return Number.isSafeInteger(number) && number >= 1 ? number : undefined
  }
  return {
    tab: tab === 'runs' ? undefined : tab,
    status: runStatusNames.find((name) => name === search['status']),
    trigger: triggerNames.find((name) => name === search['trigger']),
    since: typeof since === 'string' && Object.hasOwn(ages, since) ? (since as Age) : undefined,
    from: version(search['from']),
    to: version(search['to']),
  }
}
