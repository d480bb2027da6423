import type { EditTab } from '../place.ts'

const tabs: Record<string, EditTab> = {
  kind: 'what',
  script: 'what',
  request: 'what',
  message: 'what',
  pipeline: 'what',
  schedules: 'triggers',
  after: 'triggers',
  actions: 'actions',
}

/** Where a field of a definition is edited. */
export const tabOfField = (field: string): EditTab => tabs[/^[a-z_]*/.exec(field)![0]] ?? 'settings'

/** Whether `field` is `at`, or stands in it: `actions[0].if` in `actions[0]`. */
export const isWithin = (field: string, at: string): boolean =>
  field === at || (field.startsWith(at) && /^[.[]/.test(field.slice(at.length)))
