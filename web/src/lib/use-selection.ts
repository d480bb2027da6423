import { useRef, useState } from 'react'

export interface Selection {
  chosen: ReadonlySet<string>
  /** With `range`: all from the one that was touched last up to this one, as this one is going to be. */
  toggle: (id: string, range?: boolean) => void
  set: (ids: Iterable<string>) => void
  clear: () => void
}

/** Rows chosen in a list; `order` is how they stand there now. What left the list is no longer chosen. */
export function useSelection(order: readonly string[]): Selection {
  const [all, setAll] = useState<ReadonlySet<string>>(new Set())
  const last = useRef<string | null>(null)
  const chosen = stillThere(all, order)
  return {
    chosen,
    toggle: (id, range = false) => {
      setAll(toggled(chosen, order, id, range ? last.current : null))
      last.current = id
    },
    set: (ids) => setAll(new Set(ids)),
    clear: () => setAll(new Set()),
  }
}

function stillThere(chosen: ReadonlySet<string>, order: readonly string[]): ReadonlySet<string> {
  if (chosen.size === 0) return chosen
  const listed = new Set(order)
  return [...chosen].every((id) => listed.has(id)) ? chosen : new Set([...chosen].filter((id) => listed.has(id)))
}

/** The choice after one row was touched, and with `from` all rows between the two. */
export function toggled(
  chosen: ReadonlySet<string>,
  order: readonly string[],
  id: string,
  from: string | null,
): ReadonlySet<string> {
  const next = new Set(chosen)
  const on = !chosen.has(id)
  const [a, b] = [order.indexOf(from ?? id), order.indexOf(id)]
  const touched = a < 0 || b < 0 ? [id] : order.slice(Math.min(a, b), Math.max(a, b) + 1)
  for (const one of touched) {
    if (on) next.add(one)
    else next.delete(one)
  }
  return next
}
