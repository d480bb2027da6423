import type { PipelineTask } from '../../../lib/api.ts'

type Timed = Pick<PipelineTask, 'kind' | 'started_at' | 'ended_at'>

/** From a moment to how long the run had worked by then, ms: while it only waited for people no time went by. */
export type WorkTime = (at: number) => number

/** Half a day of waiting for an approval would leave no width for what took seconds. */
export function workTime(tasks: readonly Timed[]): WorkTime {
  const asked = spans(tasks.filter(({ kind }) => kind === 'approval'))
  const idle = asked.length === 0 ? [] : without(asked, spans(tasks.filter(({ kind }) => kind !== 'approval')))
  return (at) => idle.reduce((left, [from, to]) => (at <= from ? left : left - (Math.min(at, to) - from)), at)
}

type Span = [from: number, to: number]

/** When any of them was under way: in order, and none touches another. What goes on ends at Infinity. */
function spans(tasks: readonly Timed[]): Span[] {
  const all = tasks
    .flatMap(({ started_at: from, ended_at: to }): Span[] =>
      from === null ? [] : [[Date.parse(from), to === null ? Infinity : Date.parse(to)]],
    )
    .toSorted((a, b) => a[0] - b[0])
  const joined: Span[] = []
  for (const [from, to] of all) {
    const last = joined.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  return joined
}

/** What of `whole` is in none of `holes`. */
function without(whole: readonly Span[], holes: readonly Span[]): Span[] {
  return whole.flatMap(([from, to]) => {
    const left: Span[] = []
    let at = from
    for (const [begin, end] of holes) {
      if (end <= at || begin >= to) continue
      if (begin > at) left.push([at, begin])
      at = end
    }
    if (at < to) left.push([at, to])
    return left
  })
}
