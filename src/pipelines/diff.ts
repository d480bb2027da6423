/** What changed between two texts, line by line: Myers' algorithm, within bounds. Pure. */

export interface DiffLine {
  kind: 'same' | 'added' | 'removed'
  text: string
}

/** Changed lines; the memory is the square of it. Beyond, all of one text gives way to all of the other. */
const mostChanges = 2000

export function diffLines(from: string, to: string): DiffLine[] {
  const a = linesOf(from)
  const b = linesOf(to)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1
  const as = (kind: DiffLine['kind'], lines: string[]): DiffLine[] => lines.map((text) => ({ kind, text }))
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  const between = shortest(left, right) ?? [...as('removed', left), ...as('added', right)]
  return [...as('same', a.slice(0, start)), ...between, ...as('same', a.slice(a.length - end))]
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

/** Null: more changes than are looked for. */
function shortest(a: string[], b: string[]): DiffLine[] | null {
  const most = Math.min(a.length + b.length, mostChanges)
  /** How far each diagonal came, one array for each number of changes. */
  const trace: Int32Array[] = []
  const reach = new Int32Array(2 * most + 3)
  const middle = most + 1
  for (let changes = 0; changes <= most; changes += 1) {
    trace.push(reach.slice(middle - changes - 1, middle + changes + 2))
    for (let k = -changes; k <= changes; k += 2) {
      const down = k === -changes || (k !== changes && reach[middle + k - 1]! < reach[middle + k + 1]!)
      let x = down ? reach[middle + k + 1]! : reach[middle + k - 1]! + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      reach[middle + k] = x
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace)
    }
  }
  return null
}

function walkBack(a: string[], b: string[], trace: readonly Int32Array[]): DiffLine[] {
  const lines: DiffLine[] = []
  let [x, y] = [a.length, b.length]
  for (let changes = trace.length - 1; changes >= 0; changes -= 1) {
    const reach = trace[changes]!
    const at = (k: number): number => reach[k + changes + 1]!
    const k = x - y
    const down = k === -changes || (k !== changes && at(k - 1) < at(k + 1))
    const before = changes === 0 ? 0 : down ? at(k + 1) : at(k - 1)
    const beforeY = before - (down ? k + 1 : k - 1)
    while (x > (changes === 0 ? 0 : before) && y > (changes === 0 ? 0 : beforeY)) {
      lines.push({ kind: 'same', text: a[x - 1]! })
      x -= 1
      y -= 1
    }
    if (changes === 0) break
    lines.push(down ? { kind: 'added', text: b[y - 1]! } : { kind: 'removed', text: a[x - 1]! })
    ;[x, y] = [before, beforeY]
  }
  return lines.reverse()
}
