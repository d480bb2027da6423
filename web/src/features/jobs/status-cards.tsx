import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { segmentFills } from '../../components/segmented-bar.tsx'
import { StatCard } from '../../components/stat-card.tsx'
import { cn } from '../../lib/cn.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import type { JobFilters } from './filters.ts'
import { statsQuery } from './queries.ts'
import { tones } from './states.ts'
import { StatusBar } from './status-bar.tsx'

const count = new Intl.NumberFormat()

interface StatusCardsProps {
  /** Of the list beneath: the card of its status is the pressed one. */
  filters?: JobFilters
  /** To be read across the room. */
  large?: boolean
}

/** How many jobs there are of each kind; a card is also the filter for its kind. */
export function StatusCards({ filters = {}, large }: StatusCardsProps) {
  // Beside a list the list's topic says when to ask.
  const { data } = useQuery({ ...statsQuery, ...(large ? { refetchInterval: 2_000 } : {}) })
  const own = useSeesOnlyOwn()
  const value = (n: number | undefined) => (n === undefined ? null : count.format(n))
  return (
    <section
      aria-label={own ? 'Your jobs by status' : 'Jobs by status'}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      {own && <h2 className="px-3 pt-2 text-xs font-semibold text-muted sm:px-4">Your jobs</h2>}
      <div className="grid grid-cols-3 sm:grid-cols-5">
        {tones.map(({ tone, label }, index) => {
          const pressed = filters.status === tone
          return (
            <Link
              key={tone}
              to="/jobs"
              search={(old) => ({ ...(large ? {} : old), status: pressed ? undefined : tone, state: undefined })}
              aria-current={pressed ? 'true' : undefined}
              activeProps={{ 'aria-current': pressed ? 'true' : undefined }}
              className={cn(
                'border-line px-3 hover:bg-sunken focus-visible:-outline-offset-2 sm:px-4',
                large ? 'py-3' : 'py-2',
                index % 3 !== 0 && 'border-l sm:border-l',
                index > 0 && 'sm:border-l',
                index >= 3 && 'border-t sm:border-t-0',
                pressed && 'bg-accent-soft hover:bg-accent-soft',
              )}
            >
              <StatCard label={label} value={value(data?.[tone])} fill={segmentFills[tone]} large={large} />
            </Link>
          )
        })}
        <div className={cn('border-t border-l border-line px-3 sm:hidden', large ? 'py-3' : 'py-2')}>
          <StatCard label="All" value={value(data?.total)} large={large} />
        </div>
      </div>
      <StatusBar
        counts={data}
        label={own ? 'Your jobs' : 'All jobs'}
        className={large ? 'h-2.5 rounded-none' : 'h-1 rounded-none'}
      />
    </section>
  )
}
