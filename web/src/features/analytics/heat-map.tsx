import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Toggle } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { busiest, byDay, shade } from './figures.ts'
import type { AnalyticsPlace } from './place.ts'
import { heatQuery } from './queries.ts'

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'))

/** When runs are asked for, by weekday and hour of the reader's own zone: the darker, the more. */
export function HeatMap({ place }: { place: AnalyticsPlace }) {
  const { data: cells, isPending, isError, error, refetch } = useQuery(heatQuery(place, zone))
  const [which, setWhich] = useState<'runs' | 'failed'>('runs')
  const counts = cells?.map((cell) => cell[which]) ?? []
  const most = Math.max(0, ...counts)
  const top = busiest(counts, days)
  const colour = which === 'runs' ? 'var(--accent)' : 'var(--failed-fill)'
  return (
    <Card
      title={`By weekday and hour, ${zone}`}
      action={
        <span role="group" aria-label="What is counted" className="flex gap-0.5">
          <Toggle pressed={which === 'runs'} onClick={() => setWhich('runs')}>
            Runs
          </Toggle>
          <Toggle pressed={which === 'failed'} onClick={() => setWhich('failed')}>
            Failed
          </Toggle>
        </span>
      }
    >
      {isPending && <Loading rows={4} label="Loading the heat map" />}
      {isError && !cells && <Failed error={error} retry={() => void refetch()} />}
      {cells && (
        <>
          <div
            tabIndex={0}
            role="region"
            aria-label={`${which === 'runs' ? 'Runs' : 'Failed runs'} by weekday and hour`}
            className="relative overflow-x-auto"
          >
            <table className="w-full min-w-xl table-fixed border-separate border-spacing-px text-xs">
              <thead>
                <tr className="text-muted">
                  <th scope="col" className="w-10">
                    <span className="sr-only">Weekday</span>
                  </th>
                  {hours.map((hour, index) => (
                    <th key={hour} scope="col" className="font-normal tabular-nums">
                      {index % 3 === 0 ? hour : <span className="sr-only">{hour}</span>}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {byDay(cells).map((row, at) => (
                  <tr key={days[at]}>
                    <th scope="row" className="text-left font-normal text-muted">
                      <abbr title={days[at]} className="no-underline">
                        {days[at]!.slice(0, 3)}
                      </abbr>
                    </th>
                    {row.map((cell, hour) => (
                      <td
                        key={hour}
                        title={`${days[at]} ${hours[hour]}:00: ${cell.runs.toLocaleString()} runs, ${cell.failed.toLocaleString()} failed`}
                        className="h-6 rounded-[2px] bg-sunken p-0"
                        style={{
                          backgroundColor:
                            cell[which] === 0
                              ? undefined
                              : `color-mix(in srgb, ${colour} ${Math.round(shade(cell[which], most) * 100)}%, var(--sunken))`,
                        }}
                      >
                        <span className="sr-only">{cell[which]}</span>
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className="text-xs text-muted">
            {top.length === 0
              ? which === 'runs'
                ? 'Nothing ran in this time.'
                : 'Nothing failed in this time.'
              : `Most: ${top.join(', ')}`}
          </p>
        </>
      )}
    </Card>
  )
}
