/** `98.0 %`; never rounded up to a hundred, nor down to none. */
export function percent(share: number | null): string {
  if (share === null) return '–'
  const exact = share * 100
  if (exact === 0 || exact === 100) return `${exact} %`
  return `${Math.min(99.9, Math.max(0.1, exact)).toFixed(1)} %`
}

/** Of 168 cells, Monday 00 first: a row for each day. */
export function byDay<T>(cells: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(cells.length / 24) }, (_, day) => cells.slice(day * 24, day * 24 + 24))
}

/** How dark a cell is, 0 to 1: of few and many alike something is seen, so by the root. */
export const shade = (n: number, most: number): number =>
  n === 0 || most === 0 ? 0 : 0.12 + 0.88 * Math.sqrt(n / most)

/** The hours with the most of it, in words: `Monday 03:00 (40)`. */
export function busiest(cells: readonly number[], days: readonly string[], n = 3): string[] {
  return cells
    .map((count, at) => ({ count, at }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || a.at - b.at)
    .slice(0, n)
    .map(
      ({ count, at }) =>
        `${days[Math.floor(at / 24)]} ${String(at % 24).padStart(2, '0')}:00 (${count.toLocaleString()})`,
    )
}

export interface SeriesPoint {
  at: string
  succeeded: number
  failed: number
  duration_p50_ms: number | null
  duration_p95_ms: number | null
}

/** As the charts want it: seconds since 1970, and a column for each line; gaps are null. */
export function runColumns(points: readonly SeriesPoint[]): number[][] {
  return [
    points.map(({ at }) => Date.parse(at) / 1000),
    // Stacked: what is drawn first reaches as high as both.
    points.map(({ succeeded, failed }) => succeeded + failed),
    points.map(({ failed }) => failed),
  ]
}

export function durationColumns(points: readonly SeriesPoint[]): (number | null)[][] {
  return [
    points.map(({ at }) => Date.parse(at) / 1000),
    points.map(({ duration_p95_ms: ms }) => (ms === null ? null : ms / 1000)),
    points.map(({ duration_p50_ms: ms }) => (ms === null ? null : ms / 1000)),
  ]
}
