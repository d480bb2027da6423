/** Focuses the next or the previous of the links that lead from a list to what is in it. */
export function moveFocus(selector: string, step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>(selector)]
  const at = links.indexOf(document.activeElement as HTMLElement)
  const next = at < 0 ? links[0] : links[Math.min(links.length - 1, Math.max(0, at + step))]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

/** What the row that has the focus carries as `data-<name>`. */
export const focusedRow = (name: string): string | undefined =>
  document.activeElement?.closest<HTMLElement>(`[data-${name}]`)?.dataset[name]
