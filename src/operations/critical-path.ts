/**
 * Which tasks decide how long a run takes: the chain of dependencies whose times add up to the most. Pure; one pass over
 * tasks and dependencies.
 */
export interface TimedTask {
  name: string
  dependsOn: readonly string[]
  /** So far; null: it has not begun. */
  durationMs: number | null
}

/** `tasks` in topological order. The names on the chain; of equal ones the first. */
export function criticalPath(tasks: readonly TimedTask[]): Set<string> {
  const sums = new Map<string, number>()
  const before = new Map<string, string>()
  let last: string | undefined
  for (const { name, dependsOn, durationMs } of tasks) {
    if (durationMs === null) continue
    let longest: string | undefined
    for (const one of dependsOn) {
      const sum = sums.get(one)
      if (sum !== undefined && (longest === undefined || sum > sums.get(longest)!)) longest = one
    }
    if (longest !== undefined) before.set(name, longest)
    sums.set(name, durationMs + (longest === undefined ? 0 : sums.get(longest)!))
    if (last === undefined || sums.get(name)! > sums.get(last)!) last = name
  }
  const path = new Set<string>()
  for (let at = last; at !== undefined; at = before.get(at)) path.add(at)
  return path
}
