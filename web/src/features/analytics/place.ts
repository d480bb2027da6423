export const spans = [1, 7, 30, 90] as const
export const kinds = ['event', 'pipeline', 'user'] as const
export type Kind = (typeof kinds)[number]
export const sorts = ['runs', 'failed', 'success_rate', 'duration_p95', 'wait_p95', 'cpu'] as const
export type Sort = (typeof sorts)[number]

/** Which numbers are shown, as it stands in the URL. */
export interface AnalyticsPlace {
  days?: number
  by?: Exclude<Kind, 'event'>
  sort?: Exclude<Sort, 'runs'>
  /** Charts of this one alone. */
  event?: string
  pipeline?: string
  /** Part of the names in the table. */
  q?: string
}

const text = (value: unknown, length: number) =>
  typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined

export function readAnalyticsPlace(search: Record<string, unknown>): AnalyticsPlace {
  const days = spans.find((span) => span === Number(search['days']))
  const by = kinds.find((kind) => kind === search['by'])
  const sort = sorts.find((one) => one === search['sort'])
  const event = text(search['event'], 128)
  return {
    days: days === 7 ? undefined : days,
    by: by === 'event' ? undefined : by,
    sort: sort === 'runs' ? undefined : sort,
    event,
    pipeline: event ? undefined : text(search['pipeline'], 200),
    q: text(search['q'], 200),
  }
}
