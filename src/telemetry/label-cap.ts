/** Names become labels, and every label is a series kept for ever: past the limit they share one. */
export const others = '(others)'

/** The first `limit` names that come are kept; the same name always gives the same label. */
export function labelCap(limit: number): (name: string) => string {
  const known = new Set<string>()
  return (name) => {
    if (known.has(name)) return name
    if (known.size >= limit) return others
    known.add(name)
    return name
  }
}
