import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './plot.css'
import { duration } from '../../lib/time.ts'
import { useTheme } from '../../lib/theme.ts'
import { daySeconds, pointText, tickText } from './point-time.ts'

export interface Line {
  label: string
  /** Of the page's colours, e.g. `--passed-fill`. */
  colour: string
  bars?: boolean
  /** Shown instead of the drawn number, by the index of the point. */
  shown?: (index: number) => string
}

interface PlotProps {
  /** The first column: seconds since 1970; then one for each line. */
  columns: readonly (readonly (number | null)[])[]
  lines: readonly Line[]
  unit: 'count' | 'seconds'
  /** Of one point; days are told without a time. */
  stepSeconds: number
}

const height = 200
const count = new Intl.NumberFormat()
const compact = new Intl.NumberFormat(undefined, { notation: 'compact' })

/** A chart over time, with the numbers of the point under the pointer. What it says is also in text beside it. */
export default function Plot({ columns, lines, unit, stepSeconds }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  useEffect(() => {
    const element = place.current!
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const value = (n: number | null) => (n === null ? '–' : unit === 'count' ? count.format(n) : duration(n * 1000))
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    const plot = new UPlot(
      {
        ...{ width: element.clientWidth, height, padding: [8, 16, 0, 0] },
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        legend: { live: true },
        // Days are those of UTC, hours those of the reader.
        ...(stepSeconds >= daySeconds && { tzDate: (at: number) => UPlot.tzDate(new Date(at * 1000), 'Etc/UTC') }),
        scales: {
          // Half a span on both sides: a bar stands in the middle of its own.
          x: { time: true, range: (_, min, max) => [min - stepSeconds / 2, max + stepSeconds / 2] },
          y: { range: (_, __, max) => [0, Math.max(max ?? 0, unit === 'count' ? 4 : 0.001) * 1.05] },
        },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((at) => tickText(at, stepSeconds)), space: 70, size: 28 },
          {
            ...axis,
            size: 56,
            incrs:
              unit === 'count'
                ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000]
                : undefined,
            values: (_, ticks) =>
              ticks.map((n) => (unit === 'count' ? compact.format(n) : n === 0 ? '0' : duration(n * 1000))),
          },
        ],
        series: [
          { label: 'When', value: (_, at) => (at === null ? '–' : pointText(at, stepSeconds)) },
          ...lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: line.bars ? 0 : 2,
            ...(line.bars && { fill: colour(line.colour), paths: UPlot.paths.bars!({ size: [0.8, 40] }) }),
            points: { show: !line.bars && (columns[0]?.length ?? 0) < 40, size: 5 },
            value: (_: unknown, n: number | null, __: number, index: number | null) =>
              index !== null && line.shown ? line.shown(index) : value(n),
          })),
        ],
      },
      columns as UPlot.AlignedData,
      element,
    )
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
    // A theme that follows the system changes the page's colours without its name: they are read anew at the next data.
  }, [columns, lines, unit, stepSeconds, theme])
  return <div ref={place} aria-hidden className="plot min-w-0 overflow-hidden" />
}
