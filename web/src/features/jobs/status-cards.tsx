import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { cn } from '../../lib/cn.ts'
import type { JobFilters } from './filters.ts'
import { statsQuery } from './queries.ts'
import { tones, type Tone } from './states.ts'

const fills: Record<Tone, string> = {
  waiting: 'bg-waiting/70',
  running: 'bg-running-fill',
  passed: 'bg-passed-fill',
  failed: 'bg-failed-fill',
  cancelled: 'bg-line-strong/60',
}

const count = new Intl.NumberFormat()

/** How many jobs there are of each kind; a card is also the filter for its kind. */
export function StatusCards({ filters }: { filters: JobFilters }) {
  const { data } = useQuery(statsQuery)
  return (
    <section aria-label="Jobs by status" className="overflow-hidden rounded-lg border border-line bg-surface">
      <div className="grid grid-cols-3 sm:grid-cols-5">
        {tones.map(({ tone, label }, index) => {
          const pressed = filters.status === tone
          return (
            <Link
              key={tone}
              to="/jobs"
              search={(old) => ({ ...old, status: pressed ? undefined : tone, state: undefined })}
              aria-current={pressed ? 'true' : undefined}
              activeProps={{ 'aria-current': pressed ? 'true' : undefined }}
              className={cn(
                'flex flex-col gap-0.5 border-line px-3 py-2 hover:bg-sunken focus-visible:-outline-offset-2 sm:px-4',
                index % 3 !== 0 && 'border-l sm:border-l',
                index > 0 && 'sm:border-l',
                index >= 3 && 'border-t sm:border-t-0',
                pressed && 'bg-accent-soft hover:bg-accent-soft',
              )}
            >
              <span className="flex items-center gap-1.5 text-xs text-muted">
                <span aria-hidden className={cn('size-2 rounded-[2px]', fills[tone])} />
                {label}
              </span>
              <span className="text-xl font-semibold tabular-nums">{data ? count.format(data[tone]) : '–'}</span>
            </Link>
          )
        })}
        <div className="flex flex-col gap-0.5 border-t border-l border-line px-3 py-2 sm:hidden">
          <span className="text-xs text-muted">All</span>
          <span className="text-xl font-semibold tabular-nums">{data ? count.format(data.total) : '–'}</span>
        </div>
      </div>
      <SegmentedBar counts={data} />
    </section>
  )
}

function SegmentedBar({ counts }: { counts: Record<Tone, number> | undefined }) {
  const shown = tones.filter(({ tone }) => (counts?.[tone] ?? 0) > 0)
  return (
    <div aria-hidden className="flex h-1 gap-px bg-line">
      {shown.map(({ tone }) => (
        <div
          key={tone}
          className={cn('min-w-1 transition-[flex-grow]', fills[tone])}
          style={{ flexGrow: counts?.[tone] }}
        />
      ))}
    </div>
  )
}
