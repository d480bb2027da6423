import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { Schedule, ScheduleTick } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { exactTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { ticksQuery } from './queries.ts'

/** What became of the times at which a schedule was to start its pipeline, newest first. */
export default function TicksDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const list = useInfiniteQuery(ticksQuery(schedule.id))
  const ticks = list.data?.pages.flatMap((page) => page.ticks) ?? []
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Times of ${visibleText(schedule.name)}`}>
      {list.isPending && <Loading rows={3} label="Loading times" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && ticks.length === 0 && <p className="py-4 text-muted">None has come yet.</p>}
      {ticks.length > 0 && (
        <ul className="overflow-hidden rounded-lg border border-line">
          {ticks.map((tick) => (
            <Tick key={tick.tick} tick={tick} />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button size="small" className="mt-3" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Earlier ones
        </Button>
      )}
    </Dialog>
  )
}

function Tick({ tick: { tick, outcome, last_tick, run_id, reason, late_told_at } }: { tick: ScheduleTick }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-0.5 border-t border-line px-3 py-1.5 text-sm first:border-t-0">
      <span className="tabular-nums">
        {exactTime(tick)}
        {last_tick && last_tick !== tick && <span className="text-muted"> to {exactTime(last_tick)}</span>}
      </span>
      <OutcomeBadge outcome={outcome} />
      {late_told_at && (
        <Badge tone="warn" title={`Its run had not begun; the channels were told ${exactTime(late_told_at)}`}>
          Late
        </Badge>
      )}
      {run_id && (
        <Link
          to="/runs/$id"
          params={{ id: run_id }}
          className="ml-auto rounded font-mono text-xs text-accent underline underline-offset-2"
        >
          {run_id}
        </Link>
      )}
      {reason && <span className="basis-full text-muted">{sentence(visibleText(reason))}</span>}
    </li>
  )
}
