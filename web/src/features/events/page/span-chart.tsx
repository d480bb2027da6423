import { cn } from '../../../lib/cn.ts'

export interface Bar {
  at: string
  /** From the bottom up; the last one is the top. Heights, not their differences. */
  heights: { value: number; fill: string }[]
  /** What the bar says on hover. */
  text: string
}

interface SpanChartProps {
  label: string
  bars: readonly Bar[]
  /** Bars are hours, else days. */
  hours: boolean
  topText: string
  legend: readonly { mark: string; text: string }[]
}

const width = 600
const height = 120

/** A bar for each hour or day; one stands in the other's place where there are several values. */
export function SpanChart({ label, bars, hours, topText, legend }: SpanChartProps) {
  const most = Math.max(0, ...bars.flatMap(({ heights }) => heights.map(({ value }) => value)))
  if (most === 0) return <p className="py-10 text-center text-sm text-muted">Nothing has ended in this span.</p>
  const step = width / bars.length
  const format = new Intl.DateTimeFormat(
    undefined,
    hours ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : { day: 'numeric', month: 'short' },
  )
  const named = [0, Math.floor((bars.length - 1) / 2), bars.length - 1]
  return (
    <figure className="flex flex-col gap-1.5">
      <figcaption className="flex flex-wrap gap-x-4 text-xs text-muted">
        {legend.map(({ mark, text }) => (
          <span key={text} className="flex items-center gap-1.5">
            <span aria-hidden className={cn('size-2 rounded-[2px]', mark)} /> {text}
          </span>
        ))}
        <span className="ml-auto tabular-nums">top: {topText}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={`${label}; ${bars
          .filter(({ heights }) => heights.some(({ value }) => value > 0))
          .map(({ text }) => text)
          .join('; ')}`}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className="h-32 w-full border-y border-line"
      >
        {bars.map(({ at, heights, text }, index) => (
          <g key={at}>
            <title>{text}</title>
            {/* The whole height answers to the pointer, not the bar alone. */}
            <rect x={index * step} width={step} y={0} height={height} className="fill-transparent" />
            {heights
              .toReversed()
              .map(({ value, fill }) =>
                value > 0 ? (
                  <rect
                    key={fill}
                    x={index * step + step * 0.1}
                    width={step * 0.8}
                    y={height - Math.max(1.5, (height * value) / most)}
                    height={Math.max(1.5, (height * value) / most)}
                    className={fill}
                  />
                ) : null,
              )}
          </g>
        ))}
      </svg>
      <p aria-hidden className="flex justify-between text-xs text-muted tabular-nums">
        {[...new Set(named)].map((index) => (
          <span key={index}>{format.format(new Date(bars[index]!.at))}</span>
        ))}
      </p>
    </figure>
  )
}
