import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Card } from '../../../components/card.tsx'
import { Select } from '../../../components/field.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { StatCard } from '../../../components/stat-card.tsx'
import type { EventDetail } from '../../../lib/api.ts'
import { runTime, shortTime } from '../../../lib/time.ts'
import { statsQuery } from '../queries.ts'
import { SpanChart } from './span-chart.tsx'

const spans = { 1: 'Last day', 7: 'Last 7 days', 30: 'Last 30 days', 90: 'Last 90 days' }

/** How it went over time. */
export default function StatsTab({ event }: { event: EventDetail }) {
  const [days, setDays] = useState(7)
  const stats = useQuery(statsQuery(event.id, days))
  if (stats.isPending) return <Loading rows={5} label="Loading numbers" />
  if (stats.isError) return <Failed error={stats.error} retry={() => void stats.refetch()} />
  const { points, step_seconds } = stats.data
  const hours = step_seconds < 86_400
  const when = (at: string) => (hours ? shortTime(at) : new Date(at).toLocaleDateString())
  const sum = (key: 'succeeded' | 'failed') => points.reduce((total, point) => total + point[key], 0)
  const ended = sum('succeeded') + sum('failed')
  const middle = points.map((point) => point.duration_p50_ms).filter((ms) => ms !== null)
  const long = points.map((point) => point.duration_p95_ms).filter((ms) => ms !== null)
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-end justify-between gap-4 rounded-lg border border-line bg-surface p-4">
        <div className="grid flex-1 grid-cols-2 gap-4 sm:grid-cols-4">
          <StatCard label="Ended" value={ended.toLocaleString()} />
          <StatCard
            label="Success rate"
            value={ended === 0 ? null : `${((100 * sum('succeeded')) / ended).toFixed(ended > 200 ? 1 : 0)} %`}
            fill="bg-passed-fill"
          />
          <StatCard label="Usual duration" value={middle.length === 0 ? null : runTime(median(middle))} hint="p50" />
          <StatCard label="Longest spans" value={long.length === 0 ? null : runTime(Math.max(...long))} hint="p95" />
        </div>
        <Select aria-label="Span" wide={false} value={days} onChange={(select) => setDays(Number(select.target.value))}>
          {Object.entries(spans).map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </Select>
      </div>
      <div className="grid gap-4 xl:grid-cols-2">
        <Card title="Runs">
          <SpanChart
            label="Runs over time"
            hours={hours}
            topText={Math.max(...points.map((point) => point.succeeded + point.failed)).toLocaleString()}
            legend={[
              { mark: 'bg-passed-fill', text: 'completed' },
              { mark: 'bg-failed-fill', text: 'failed' },
            ]}
            bars={points.map(({ at, succeeded, failed }) => ({
              at,
              heights: [
                { value: failed, fill: 'fill-failed-fill' },
                { value: succeeded === 0 ? 0 : failed + succeeded, fill: 'fill-passed-fill' },
              ],
              text: `${when(at)}: ${succeeded} completed, ${failed} failed`,
            }))}
          />
        </Card>
        <Card title="Duration">
          <SpanChart
            label="Durations over time"
            hours={hours}
            topText={runTime(Math.max(0, ...long))}
            legend={[
              { mark: 'bg-accent', text: 'half of the runs (p50)' },
              { mark: 'bg-accent opacity-30', text: 'nearly all (p95)' },
            ]}
            bars={points.map(({ at, duration_p50_ms: half, duration_p95_ms: most }) => ({
              at,
              heights: [
                { value: half ?? 0, fill: 'fill-accent' },
                { value: most ?? 0, fill: 'fill-accent opacity-30' },
              ],
              text:
                half === null || most === null ? when(at) : `${when(at)}: p50 ${runTime(half)}, p95 ${runTime(most)}`,
            }))}
          />
        </Card>
      </div>
    </div>
  )
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
