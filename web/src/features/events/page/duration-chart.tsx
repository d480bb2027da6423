import { runTime, shortTime } from '../../../lib/time.ts'

interface Point {
  at: string
  duration_p50_ms: number | null
  duration_p95_ms: number | null
}

const width = 600
const height = 120

/** Usual and long durations, a column for each span: the lower part half of the runs took, the whole nearly all. */
export function DurationChart({ points }: { points: readonly Point[] }) {
  const most = Math.max(0, ...points.map(({ duration_p95_ms }) => duration_p95_ms ?? 0))
  if (most === 0) return <p className="py-8 text-center text-sm text-muted">Nothing has ended in this span.</p>
  const step = width / points.length
  const y = (ms: number) => (height * ms) / most
  return (
    <figure className="flex flex-col gap-2">
      <svg
        role="img"
        aria-label={`Durations over time, at most ${runTime(most)}`}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className="h-32 w-full"
      >
        {points.map(({ at, duration_p50_ms: half, duration_p95_ms: long }, index) =>
          half === null || long === null ? null : (
            <g key={at}>
              <title>{`${shortTime(at)}: p50 ${runTime(half)}, p95 ${runTime(long)}`}</title>
              <rect
                x={index * step + step * 0.12}
                width={step * 0.76}
                y={height - y(long)}
                height={Math.max(1, y(long))}
                className="fill-accent opacity-30"
              />
              <rect
                x={index * step + step * 0.12}
                width={step * 0.76}
                y={height - y(half)}
                height={Math.max(1, y(half))}
                className="fill-accent"
              />
            </g>
          ),
        )}
      </svg>
      <figcaption className="flex flex-wrap gap-x-4 text-xs text-muted">
        <span className="flex items-center gap-1.5">
          <span aria-hidden className="size-2 rounded-[2px] bg-accent" /> half of the runs (p50)
        </span>
        <span className="flex items-center gap-1.5">
          <span aria-hidden className="size-2 rounded-[2px] bg-accent opacity-30" /> nearly all (p95)
        </span>
        <span className="ml-auto tabular-nums">top: {runTime(most)}</span>
      </figcaption>
    </figure>
  )
}
