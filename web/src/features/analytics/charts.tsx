import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useMemo } from 'react'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { runTime } from '../../lib/time.ts'
import { durationColumns, runColumns, type SeriesPoint } from './figures.ts'
import type { Line } from './plot.tsx'
import { pointText } from './point-time.ts'
import type { AnalyticsPlace } from './place.ts'
import { seriesQuery } from './queries.ts'

// Not `lazyPart`: only this page draws with it, and it weighs as much as a page (decision 22).
const Plot = lazy(() => import('./plot.tsx'))

/** How many ran and how long they took, over time. */
export function Charts({ place }: { place: AnalyticsPlace }) {
  const { data, isPending, isError, error, refetch } = useQuery(seriesQuery(place))
  const points = data?.points
  const runs = useMemo(() => points && runColumns(points), [points])
  const durations = useMemo(() => points && durationColumns(points), [points])
  const runLines = useMemo<Line[]>(
    () => [
      {
        label: 'Succeeded',
        colour: '--passed-fill',
        bars: true,
        // It is drawn as high as both together.
        shown: (index) => (points?.[index]?.succeeded ?? 0).toLocaleString(),
      },
      { label: 'Failed', colour: '--failed-fill', bars: true },
    ],
    [points],
  )
  if (isError && !data) return <Failed error={error} retry={() => void refetch()} />
  const step = data?.step_seconds ?? 3600
  const each = step < 86_400 ? 'by the hour' : 'by the day'
  return (
    <div className="grid gap-3 xl:grid-cols-2">
      <Card title={`Runs, ${each}`}>
        <p className="sr-only">{points && runsText(points)}</p>
        <Suspense fallback={<ChartPlace />}>
          {isPending ? (
            <Loading rows={4} label="Loading runs over time" />
          ) : (
            <Plot columns={runs!} lines={runLines} unit="count" stepSeconds={step} />
          )}
        </Suspense>
      </Card>
      <Card title={`Durations, ${each}`}>
        <p className="sr-only">{points && durationsText(points)}</p>
        <Suspense fallback={<ChartPlace />}>
          {isPending ? (
            <Loading rows={4} label="Loading durations over time" />
          ) : (
            <Plot columns={durations!} lines={durationLines} unit="seconds" stepSeconds={step} />
          )}
        </Suspense>
      </Card>
      {points && <PointTable points={points} step={step} />}
    </div>
  )
}

const durationLines: Line[] = [
  { label: 'p95', colour: '--running-fill' },
  { label: 'p50', colour: '--accent' },
]

const ChartPlace = () => <div className="h-56" />

const sum = (points: readonly SeriesPoint[], key: 'succeeded' | 'failed') =>
  points.reduce((total, point) => total + point[key], 0)

const runsText = (points: readonly SeriesPoint[]) =>
  `${sum(points, 'succeeded').toLocaleString()} succeeded and ${sum(points, 'failed').toLocaleString()} failed.`

function durationsText(points: readonly SeriesPoint[]): string {
  const longest = Math.max(0, ...points.map((point) => point.duration_p95_ms ?? 0))
  return longest === 0 ? 'Nothing has ended.' : `The highest p95 was ${runTime(longest)}.`
}

const time = (ms: number | null) => (ms === null ? '–' : runTime(ms))

/** The charts in numbers, for those who cannot see them or want them exactly. */
function PointTable({ points, step }: { points: readonly SeriesPoint[]; step: number }) {
  const said = points.filter((point) => point.succeeded + point.failed > 0)
  if (said.length === 0) return null
  return (
    <details className="rounded-lg border border-line bg-surface xl:col-span-2">
      <summary className="px-3 py-2 text-sm font-medium">The charts as a table</summary>
      <div
        tabIndex={0}
        role="region"
        aria-label="The charts as a table"
        className="relative max-h-80 overflow-auto border-t border-line"
      >
        <table className="w-full text-sm whitespace-nowrap tabular-nums">
          <thead className="sticky top-0 bg-surface text-right text-xs text-muted">
            <tr>
              {['From', 'Succeeded', 'Failed', 'p50', 'p95'].map((name, index) => (
                <th key={name} scope="col" className={`px-3 py-1.5 font-normal ${index === 0 ? 'text-left' : ''}`}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="text-right">
            {said.map((point) => (
              <tr key={point.at} className="border-t border-line">
                <th scope="row" className="px-3 py-1 text-left font-normal">
                  {pointText(Date.parse(point.at) / 1000, step)}
                </th>
                <td className="px-3 py-1">{point.succeeded.toLocaleString()}</td>
                <td className="px-3 py-1">{point.failed.toLocaleString()}</td>
                <td className="px-3 py-1">{time(point.duration_p50_ms)}</td>
                <td className="px-3 py-1">{time(point.duration_p95_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
