import { Link } from '@tanstack/react-router'
import { segmentFills } from '../../components/segmented-bar.tsx'
import type { Pipeline } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { relativeTime } from '../../lib/time.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import { runStatuses, runWords } from './words.ts'

type SquareRun = Pipeline['last_runs'][number]

/** The last runs of a pipeline as small squares, the newest at the right; each leads to its run. */
export function RunSquares({ runs, label }: { runs: readonly SquareRun[]; label: string }) {
  const onlyOwn = useSeesOnlyOwn()
  if (runs.length === 0) {
    return <span className="text-sm text-muted">{onlyOwn ? 'you started none' : 'never ran'}</span>
  }
  return (
    <ul aria-label={label} className="flex">
      {runs.toReversed().map((run) => {
        const { label: word, tone } = runWords(run.status)
        const text = `${word}, ${relativeTime(Date.parse(run.created_at), Date.now())}`
        return (
          <li key={run.id} className="flex">
            <Link
              to="/runs/$id"
              params={{ id: run.id }}
              preload={false}
              aria-label={text}
              title={text}
              className="group/square rounded p-0.5 focus-visible:-outline-offset-1"
            >
              <span
                className={cn(
                  'block h-5 w-2.5 rounded-[2px] group-hover/square:opacity-75',
                  segmentFills[tone],
                  run.status === 'running' && 'animate-pulse-slow',
                )}
              />
            </Link>
          </li>
        )
      })}
    </ul>
  )
}

/** What the colours of the squares say. */
export function SquaresLegend() {
  const onlyOwn = useSeesOnlyOwn()
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 text-xs text-muted">
      {onlyOwn ? 'Your last runs, the newest at the right:' : 'Last runs, the newest at the right:'}
      {runStatuses.map(({ word, label, tone }) => (
        <span key={word} className="flex items-center gap-1.5">
          <span aria-hidden className={cn('h-3 w-2 rounded-[2px]', segmentFills[tone])} /> {label.toLowerCase()}
        </span>
      ))}
    </p>
  )
}
