/** Tasks by what they depend on. Pure. */

export interface GraphTask {
  name: string
  depends_on: readonly string[]
}

/** Each after those it depends on, by name where that leaves a choice; the tasks of cycles are missing. */
export function inTopologicalOrder<T extends GraphTask>(tasks: readonly T[]): T[] {
  const byName = new Map(tasks.map((task) => [task.name, task]))
  const dependents = new Map<string, T[]>()
  const missing = new Map<string, number>()
  for (const task of tasks) {
    const on = task.depends_on.filter((name) => byName.has(name))
    missing.set(task.name, on.length)
    for (const name of on) {
      const those = dependents.get(name)
      if (those === undefined) dependents.set(name, [task])
      else those.push(task)
    }
  }
  const ready = new Heap<T>((a, b) => a.name < b.name)
  for (const task of tasks) if (missing.get(task.name) === 0) ready.push(task)
  const order: T[] = []
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    order.push(next)
    for (const task of dependents.get(next.name) ?? []) {
      const left = missing.get(task.name)! - 1
      missing.set(task.name, left)
      if (left === 0) ready.push(task)
    }
  }
  return order
}

/** Each from a task back to itself, by what it depends on; no task is in two of them. */
export function findCycles(tasks: readonly GraphTask[], most: number): string[][] {
  const ordered = new Set(inTopologicalOrder(tasks).map(({ name }) => name))
  const left = new Map(tasks.filter(({ name }) => !ordered.has(name)).map((task) => [task.name, task.depends_on]))
  const cycles: string[][] = []
  const seen = new Set<string>()
  for (const start of left.keys()) {
    const path = new Map<string, number>()
    let name: string | undefined = start
    // Each task that is left depends on another one that is left, so every walk ends in a cycle or in an earlier walk.
    while (name !== undefined && !seen.has(name)) {
      seen.add(name)
      path.set(name, path.size)
      const on: string | undefined = left.get(name)!.find((each) => left.has(each))
      if (on !== undefined && path.has(on)) {
        cycles.push([...path.keys()].slice(path.get(on)))
        if (cycles.length === most) return cycles
      }
      name = on
    }
  }
  return cycles
}

/** Which tasks come before which, directly or not; of tasks in topological order. 12 MB for 10,000. */
export function ancestors(tasks: readonly GraphTask[]): (task: string, before: string) => boolean {
  const place = new Map(tasks.map(({ name }, i) => [name, i]))
  const words = Math.ceil(tasks.length / 32)
  const bits = new Uint32Array(words * tasks.length)
  tasks.forEach(({ depends_on }, i) => {
    for (const name of depends_on) {
      const on = place.get(name)
      if (on === undefined || on >= i) continue
      bits[i * words + (on >>> 5)]! |= 1 << (on & 31)
      for (let word = 0; word < words; word += 1) bits[i * words + word]! |= bits[on * words + word]!
    }
  })
  return (task, before) => {
    const on = place.get(before)
    return on !== undefined && (bits[place.get(task)! * words + (on >>> 5)]! & (1 << (on & 31))) !== 0
  }
}

class Heap<T> {
  #items: T[] = []
  #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    for (let up = (at - 1) >> 1; at > 0 && this.#before(item, items[up]!); up = (at - 1) >> 1) {
      items[at] = items[up]!
      at = up
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const [first] = items
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (let down = 1; down < items.length; down = at * 2 + 1) {
      if (down + 1 < items.length && this.#before(items[down + 1]!, items[down]!)) down += 1
      if (!this.#before(items[down]!, last)) break
      items[at] = items[down]!
      at = down
    }
    items[at] = last
    return first
  }
}
