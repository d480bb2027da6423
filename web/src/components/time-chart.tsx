import { useState, type PointerEvent } from 'react'
import { cn } from '../lib/cn.ts'

export interface ChartSeries {
  key: string
  label: string
  /** Class of its colour as an SVG fill, e.g. `fill-passed-fill`. */
  fill: string
  /** The same colour for the legend. */
  mark: string
}

export interface ChartPoint {
  /** ISO 8601; the beginning of its span. */
  at: string
  values: Record<string, number>
}

interface TimeChartProps {
  label: string
  series: readonly ChartSeries[]
  points: readonly ChartPoint[]
  className?: string
}

const width = 600
const height = 120
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const number = new Intl.NumberFormat()
const sum = (point: ChartPoint, series: readonly ChartSeries[]) =>
  series.reduce((total, { key }) => total + (point.values[key] ?? 0), 0)

/** Counts over time as stacked bars; the numbers of one span on hover or with the arrow keys, all in its text. */
export function TimeChart({ label, series, points, className }: TimeChartProps) {
  const [shown, setShown] = useState<number | null>(null)
  const top = niceTop(Math.max(1, ...points.map((point) => sum(point, series))))
  const step = width / Math.max(1, points.length)
  const totals = series.map(({ key, label: name }) => ({
    key,
    text: `${number.format(points.reduce((n, point) => n + (point.values[key] ?? 0), 0))} ${name.toLowerCase()}`,
  }))
  const pick = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    setShown(
      Math.min(points.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * points.length))),
    )
  }
  const point = shown === null ? undefined : points[shown]
  return (
    <figure className={cn('flex flex-col gap-2', className)}>
      <figcaption className="flex min-h-5 flex-wrap items-center gap-x-4 gap-y-1 text-xs text-muted">
        {series.map(({ key, label: name, mark }) => (
          <span key={key} className="flex items-center gap-1.5">
            <span aria-hidden className={cn('size-2 rounded-[2px]', mark)} />
            {name}
            {point && (
              <span className="font-semibold text-text tabular-nums">{number.format(point.values[key] ?? 0)}</span>
            )}
          </span>
        ))}
        <span className="ml-auto tabular-nums">
          {point
            ? clock.format(new Date(point.at))
            : `most in a minute: ${number.format(Math.max(0, ...points.map((p) => sum(p, series))))}`}
        </span>
      </figcaption>
      <div className="flex gap-2">
        <div aria-hidden className="flex flex-col justify-between text-right text-xs text-muted tabular-nums">
          <span>{number.format(top)}</span>
          <span>0</span>
        </div>
        <svg
          role="img"
          aria-label={`${label}: ${totals.map(({ text }) => text).join(', ')}`}
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          className="h-32 min-w-0 flex-1"
          onPointerMove={pick}
          onPointerLeave={() => setShown(null)}
        >
          {[0, 0.5, 1].map((share) => (
            <line
              key={share}
              x1={0}
              x2={width}
              y1={height * share}
              y2={height * share}
              className="stroke-line"
              vectorEffect="non-scaling-stroke"
            />
          ))}
          {points.map((one, index) => (
            <Bar key={one.at} {...{ one, series, top, step, index }} dim={shown !== null && shown !== index} />
          ))}
        </svg>
      </div>
      <div aria-hidden className="flex justify-between pl-6 text-xs text-muted tabular-nums">
        {[0, 0.5, 1].map((share) => {
          const one = points[Math.round((points.length - 1) * share)]
          return <span key={share}>{one ? clock.format(new Date(one.at)) : ' '}</span>
        })}
      </div>
    </figure>
  )
}

interface BarProps {
  one: ChartPoint
  series: readonly ChartSeries[]
  top: number
  step: number
  index: number
  dim: boolean
}

function Bar({ one, series, top, step, index, dim }: BarProps) {
  let y = height
  return (
    <g opacity={dim ? 0.55 : 1}>
      {series.map(({ key, fill }) => {
        const size = ((one.values[key] ?? 0) / top) * height
        y -= size
        return size === 0 ? null : (
          <rect key={key} x={index * step + step * 0.12} y={y} width={step * 0.76} height={size} className={fill} />
        )
      })}
    </g>
  )
}

/** The next round number above: 1, 2, 5, 10, 20, 50 … */
export function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((n) => n * power >= value) ?? 10) * power
}
