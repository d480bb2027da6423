export const orders = ['flaky', 'slowest', 'failing'] as const
export type Order = (typeof orders)[number]
export const spans = [1, 7, 14, 30, 90] as const

/** Which tests are shown; the same words stand in the URL. */
export interface TestsPlace {
  order?: Exclude<Order, 'flaky'>
  /** Exactly this name of a batch. */
  batch?: string
  days?: number
}

export function readTestsPlace(search: Record<string, unknown>): TestsPlace {
  const order = orders.find((name) => name === search['order'])
  const batch = search['batch']
  const days = spans.find((span) => span === Number(search['days']))
  return {
    order: order === 'flaky' ? undefined : order,
    batch: typeof batch === 'string' && batch !== '' ? batch.slice(0, 200) : undefined,
    days: days === 14 ? undefined : days,
  }
}
