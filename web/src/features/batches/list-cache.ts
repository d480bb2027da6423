import type { Batch } from '../../lib/api.ts'
import { matches, type BatchFilters } from './filters.ts'

export interface BatchPageOfList {
  batches: Batch[]
  next_cursor: string | null
}
/** A batch as it is now, or null when it is gone. */
export type BatchChanges = ReadonlyMap<string, Batch | null>

/**
 * The pages of the gallery after some changes. A listed batch is replaced where it stands, or leaves when it no longer
 * matches; a new one goes on top. What did not change stays the same object, so nothing renders for it.
 */
export function applyBatchChanges(
  pages: BatchPageOfList[],
  changes: BatchChanges,
  filters: BatchFilters,
): BatchPageOfList[] {
  const listed = new Set<string>()
  const next = pages.map((page) => {
    if (!page.batches.some(({ id }) => changes.has(id))) return page
    const batches = page.batches.flatMap((batch) => {
      const news = changes.get(batch.id)
      if (news === undefined) return [batch]
      listed.add(batch.id)
      return news && matches(news, filters) ? [news] : []
    })
    return { ...page, batches }
  })
  const top = next[0]
  if (!top) return next
  const newest = top.batches[0]?.created_at ?? ''
  // An older one that just came to match belongs somewhere further down, perhaps on a page not read yet.
  const fresh = [...changes.values()].filter(
    (batch): batch is Batch =>
      batch !== null && !listed.has(batch.id) && batch.created_at >= newest && matches(batch, filters),
  )
  if (fresh.length === 0) return next
  fresh.sort((a, b) => b.created_at.localeCompare(a.created_at))
  return [{ ...top, batches: [...fresh, ...top.batches] }, ...next.slice(1)]
}
