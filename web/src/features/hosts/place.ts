import type { Host } from '../../lib/api.ts'
import { withUnknown } from '../../lib/search-params.ts'
import { hostStates } from './words.ts'

/** Which hosts are shown, as it stands in the URL. */
export interface HostsPlace {
  state?: Host['state']
  /** `role=web`, several with commas. */
  label?: string
  /** Part of the name, the description or the address. */
  q?: string
  unknown?: string
}

export function readHostsPlace(search: Record<string, unknown>): HostsPlace {
  const text = (value: unknown, length: number) =>
    typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
  return withUnknown(search, {
    state: hostStates.find((state) => state === search['state']),
    label: text(search['label'], 500),
    q: text(search['q'], 200),
  })
}
