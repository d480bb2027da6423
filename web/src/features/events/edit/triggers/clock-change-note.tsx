import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api } from '../../../../lib/api.ts'
import { cn } from '../../../../lib/cn.ts'
import type { Timing } from '../../../schedules/schedule-form.ts'
import { changeText, nextClockChange } from '../clock-change.ts'

interface ClockChangeNoteProps {
  timing: Timing
  /** The next times, to know how far apart they are. */
  times: readonly { at: string }[]
}

/** What becomes of the times when the clocks change next. */
export function ClockChangeNote({ timing, times }: ClockChangeNoteProps) {
  const change = useMemo(
    () => (timing.cron === undefined ? null : nextClockChange(timing.zone, new Date())),
    [timing.cron, timing.zone],
  )
  const step = times.length > 1 ? Date.parse(times[1]!.at) - Date.parse(times[0]!.at) : 86_400_000
  const after = change && new Date(change.at.getTime() - Math.max(1.4 * step, 60_000)).toISOString()
  const around = useQuery({
    queryKey: ['schedules', 'preview', timing, after],
    queryFn: ({ signal }) => api.schedules.preview({ ...timing, count: 4, after: after! }, { signal }),
    // Far beyond the change nothing is of interest: a schedule of once a year has no day of it.
    enabled: change !== null && step < 40 * 86_400_000,
    retry: false,
    staleTime: 600_000,
  })
  if (!change || !around.data || around.data.times.length === 0) return null
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: timing.zone }).format(change.at)
  const usual = clockOf(around.data.times[0]!.local)
  const daily = step >= 86_400_000
  return (
    <div className="mt-2 rounded-md border border-line bg-sunken p-3 text-sm">
      <p className="text-muted">
        On {day} the clocks go {changeText(change)}:
      </p>
      <ol className="mt-1 grid gap-x-6 gap-y-0.5 tabular-nums sm:grid-cols-2">
        {around.data.times.map(({ at, local }) => (
          <li key={at} className={cn(daily && clockOf(local) !== usual && 'font-semibold text-running')}>
            {local}
          </li>
        ))}
      </ol>
    </div>
  )
}

const clockOf = (local: string): string => /\d\d:\d\d/.exec(local)?.[0] ?? ''
