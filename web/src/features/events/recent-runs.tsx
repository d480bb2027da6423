import { Link } from '@tanstack/react-router'
import { segmentFills } from '../../components/segmented-bar.tsx'
import type { EventSummary } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { relativeTime } from '../../lib/time.ts'
import { states } from '../jobs/states.ts'
import { toneOf, triggerLabels } from './words.ts'

type Run = EventSummary['recent'][number]

/** What was the longest of them is as high as the row; the eye sees the one that took long. */
const lowest = 0.35

/** The newest runs as bars, the newest at the right: colour says how one ended, height how long it took. */
export function RecentRuns({ runs, label }: { runs: readonly Run[]; label: string }) {
  if (runs.length === 0) return <span className="text-sm text-muted">never ran</span>
  const longest = Math.max(1, ...runs.map(took))
  return (
    <ul aria-label={label} className="flex h-6 items-end">
      {runs.slice(-16).map((run) => {
        const tone = toneOf(run.state)
        const text = `${states[run.state].label}, ${triggerLabels[run.trigger].toLowerCase()}, ${relativeTime(Date.parse(run.created_at), Date.now())}`
        return (
          <li key={run.id} className="flex h-full">
            <Link
              to="/event-runs/$id"
              params={{ id: run.id }}
              preload={false}
              // By the keyboard they are reached on the event's page; sixteen stops a row would be in the way.
              tabIndex={-1}
              aria-label={text}
              title={text}
              className="group/bar flex h-full items-end rounded-sm px-px focus-visible:-outline-offset-1"
            >
              <span
                className={cn(
                  'block w-1.5 rounded-[1.5px] group-hover/bar:opacity-70',
                  segmentFills[tone],
                  tone === 'running' && 'animate-pulse-slow',
                )}
                style={{ height: `${100 * Math.max(lowest, took(run) / longest)}%` }}
              />
            </Link>
          </li>
        )
      })}
    </ul>
  )
}

const took = ({ created_at, ended_at }: Run): number =>
  ended_at === null ? 0 : Date.parse(ended_at) - Date.parse(created_at)
