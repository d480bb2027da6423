import type { Job, StatusWord } from '../../../lib/api.ts'
import { isBatchWord } from '../filters.ts'
import { failureKeyOf } from '../progress.ts'

export const sorts = ['attention', 'place', 'name', 'slowest'] as const
export type MemberSort = (typeof sorts)[number]

/** Which members are shown, and in which order; the same words stand in the URL. */
export interface MemberFilters {
  status?: StatusWord
  /** Part of the name. */
  q?: string
  /** Only those that failed in this way. */
  failure?: string
  sort?: MemberSort
}

export function readMemberFilters(search: Record<string, unknown>): MemberFilters {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined)
  return {
    status: isBatchWord(search['status']) ? search['status'] : undefined,
    q: text(search['q']),
    failure: text(search['failure']),
    sort: sorts.find((sort) => sort === search['sort'] && sort !== 'attention'),
  }
}

/** What needs a look comes first. */
const attention: StatusWord[] = ['failed', 'running', 'waiting', 'cancelled', 'passed']
const collator = new Intl.Collator(undefined, { numeric: true })

/** `members` come in the order of the batch, and within one status they keep it: rows move as little as can be. */
export function arrange(members: readonly Job[], filters: MemberFilters, names = new NameOrder()): readonly Job[] {
  const needle = filters.q?.toLowerCase()
  const shown =
    filters.status || needle || filters.failure
      ? members.filter(
          (job) =>
            (!filters.status || job.status === filters.status) &&
            (!needle || job.name.toLowerCase().includes(needle)) &&
            (!filters.failure || (job.status === 'failed' && failureKeyOf(job) === filters.failure)),
        )
      : members
  switch (filters.sort ?? 'attention') {
    case 'attention':
      return attention.flatMap((status) => shown.filter((job) => job.status === status))
    case 'place':
      return shown
    case 'name':
      return names.sort(shown)
    case 'slowest':
      return shown.toSorted((a, b) => (b.duration_ms ?? -1) - (a.duration_ms ?? -1))
  }
}

/** Comparing names as people do is slow and a name never changes: sorted anew only when a name comes that was not there. */
export class NameOrder {
  #ranks = new Map<string, number>()

  sort(members: readonly Job[]): readonly Job[] {
    if (members.some(({ name }) => !this.#ranks.has(name))) {
      const names = [...new Set([...this.#ranks.keys(), ...members.map(({ name }) => name)])].sort(collator.compare)
      this.#ranks = new Map(names.map((name, rank) => [name, rank]))
    }
    return members.toSorted((a, b) => this.#ranks.get(a.name)! - this.#ranks.get(b.name)!)
  }
}
