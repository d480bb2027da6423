import { readMemberFilters, type MemberFilters } from './members/arrange.ts'

export const batchTabs = ['members', 'tests', 'notices', 'details'] as const
export type BatchTab = (typeof batchTabs)[number]

/** What of a batch is shown, as it stands in the URL. */
export interface BatchPlace extends MemberFilters {
  tab?: Exclude<BatchTab, 'members'>
}

export function readBatchPlace(search: Record<string, unknown>): BatchPlace {
  const tab = batchTabs.find((name) => name === search['tab'])
  return { ...readMemberFilters(search), tab: tab === 'members' ? undefined : tab }
}
