import { useCallback, useState } from 'react'
import type { Job } from '../../../lib/api.ts'

export interface Selection {
  ids: ReadonlySet<string>
  /** Of those that are shown: all, some or none. */
  shown: 'all' | 'some' | 'none'
  toggle: (id: string) => void
  /** Chooses all that are shown, or none. */
  toggleShown: () => void
  clear: () => void
}

/** Which members are ticked; it stays while filters change, so that one can gather by several searches. */
export function useSelection(members: readonly Job[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback(
    (id: string) =>
      setIds((old) => {
        const next = new Set(old)
        if (!next.delete(id)) next.add(id)
        return next
      }),
    [],
  )
  const clear = useCallback(() => setIds(new Set()), [])
  const ticked = ids.size === 0 ? 0 : members.reduce((n, { id }) => n + (ids.has(id) ? 1 : 0), 0)
  const shown = ticked === 0 ? 'none' : ticked === members.length ? 'all' : 'some'
  const toggleShown = () =>
    setIds((old) => {
      const here = new Set(members.map(({ id }) => id))
      return shown === 'all' ? new Set([...old].filter((id) => !here.has(id))) : new Set([...old, ...here])
    })
  return { ids, shown, toggle, toggleShown, clear }
}
