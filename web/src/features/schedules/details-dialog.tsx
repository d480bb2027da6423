import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { Schedule, ScheduleTick } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { duration, exactTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { Fact } from '../pipelines/run/run-details.tsx'
import { OutcomeBadge } from './outcome-badge.tsx'
import { misfires, overlaps } from './policy-fields.tsx'
import { ticksQuery } from './queries.ts'
import { timingText } from './schedule-form.ts'
import { StartsLink } from './starts-link.tsx'

/** All of a schedule, and what became of the times at which it was to start its pipeline, newest first. */
export default function DetailsDialog({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const list = useInfiniteQuery(ticksQuery(schedule.id))
  const ticks = list.data?.pages.flatMap((page) => page.ticks) ?? []
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Schedule ${visibleText(schedule.name)}`}>
      <Facts schedule={schedule} />
      <h3 className="mt-4 mb-2 text-sm font-semibold">Past times</h3>
      {list.isPending && <Loading rows={3} label="Loading times" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && ticks.length === 0 && <p className="py-4 text-muted">None has come yet.</p>}
      {ticks.length > 0 && (
        <ul className="overflow-hidden rounded-lg border border-line">
          {ticks.map((tick) => (
            <Tick key={tick.tick} tick={tick} ofEvent={schedule.event !== null} />
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

const sources = { file: 'pipelines.yml', event: 'the event', api: 'the dashboard or the API' } as const

function Facts({ schedule }: { schedule: Schedule }) {
  const { cron, zone, starts_at, ends_at, next_at, enabled, late_after_seconds, problem } = schedule
  const variables = Object.entries(schedule.variables)
  return (
    <dl>
      {problem && (
        <Fact name="Problem">
          <span className="text-failed">{sentence(visibleText(problem))}</span>
        </Fact>
      )}
      <Fact name={schedule.event ? 'Event' : 'Pipeline'}>
        <StartsLink schedule={schedule} className="rounded text-accent underline underline-offset-2" />
      </Fact>
      <Fact name="When">
        {timingText(schedule)}
        {cron !== null && (
          <span className="text-muted">
            {' '}
            · <span className="font-mono text-xs">{cron}</span> · {zone}
          </span>
        )}
      </Fact>
      {starts_at && <Fact name="From">{exactTime(starts_at)}</Fact>}
      {ends_at && <Fact name="Until">{exactTime(ends_at)}</Fact>}
      <Fact name="Next run">{!enabled ? 'paused' : next_at ? exactTime(next_at) : 'none'}</Fact>
      {schedule.event && (
        <Fact name="Input">
          {schedule.input === null ? (
            <span className="text-muted">The event’s own</span>
          ) : (
            <code className="block font-mono text-xs wrap-anywhere">{visibleText(JSON.stringify(schedule.input))}</code>
          )}
        </Fact>
      )}
      {!schedule.event && (
        <Fact name="Variables">
          {variables.length === 0 && <span className="text-muted">The pipeline’s defaults</span>}
          {variables.map(([name, value]) => (
            <code key={name} className="block font-mono text-xs wrap-anywhere whitespace-pre-wrap">
              {visibleText(name)} = {typeof value === 'string' ? value : JSON.stringify(value)}
            </code>
          ))}
        </Fact>
      )}
      <Fact name="Missed times">{misfires[schedule.misfire]}</Fact>
      <Fact name="Overlapping">{overlaps[schedule.overlap]}</Fact>
      {late_after_seconds !== null && <Fact name="Late after">{duration(late_after_seconds * 1000)}</Fact>}
      <Fact name="Owner">{schedule.owner}</Fact>
      <Fact name="Defined in">{sources[schedule.source]}</Fact>
    </dl>
  )
}

function Tick({ tick: one, ofEvent }: { tick: ScheduleTick; ofEvent: boolean }) {
  const { tick, outcome, last_tick, run_id, reason, late_told_at } = one
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
          to={ofEvent ? '/event-runs/$id' : '/runs/$id'}
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
