import { Link } from '@tanstack/react-router'
import { CalendarClock, Play, TriangleAlert, Users, Webhook, Zap } from 'lucide-react'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { Checkbox } from '../../../components/checkbox.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { EventSummary } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { StateIcon } from '../../jobs/state-chip.tsx'
import { useMe } from '../../session/session.ts'
import { KindIcon } from '../kind-icon.tsx'
import { RecentRuns } from '../recent-runs.tsx'
import { StatusBadge } from '../status-badge.tsx'
import { kindLabels } from '../words.ts'

const columns = 'md:grid-cols-[1.25rem_minmax(0,1fr)_5.5rem_minmax(0,15rem)_9rem_7.5rem_4.5rem]'

/** Names the columns of the rows below; a phone has none. */
export function EventColumns() {
  return (
    <div
      aria-hidden
      className={cn('hidden gap-x-4 border-b border-line px-3 py-1.5 text-xs text-muted md:grid', columns)}
    >
      <span />
      <span>Event</span>
      <span>Status</span>
      <span>Started by</span>
      <span>Recent runs</span>
      <span>Last / next</span>
    </div>
  )
}

interface EventRowProps {
  event: EventSummary
  chosen: boolean
  onChoose: (id: string, range?: boolean) => void
  onRun: (event: EventSummary) => void
}

export function EventRow({ event, chosen, onChoose, onRun }: EventRowProps) {
  const me = useMe()
  const name = visibleText(event.name)
  return (
    <li
      data-event={event.id}
      className={cn(
        'grid grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center gap-x-3 gap-y-1.5 border-t border-line px-3 py-2 first:border-t-0 md:gap-x-4',
        columns,
        chosen ? 'bg-accent-soft' : 'hover:bg-sunken/60',
      )}
    >
      <span className="flex">
        <Checkbox
          label={`Choose ${name}`}
          checked={chosen}
          disabled={!event.may_change}
          onChange={() => undefined}
          onClick={(click) => onChoose(event.id, click.shiftKey)}
        />
      </span>
      <div className="min-w-0">
        <div className="flex min-w-0 items-center gap-x-2">
          <KindIcon kind={event.kind} />
          <Link
            to="/events/$event"
            params={{ event: event.id }}
            data-row-link
            dir="auto"
            title={name}
            className="min-w-0 truncate rounded text-base font-semibold hover:text-accent"
          >
            {name}
          </Link>
          {event.shared && <Users role="img" aria-label="Shared" className="size-3.5 shrink-0 text-muted" />}
          <span className="hidden min-w-0 gap-1 overflow-hidden sm:flex">
            {event.tags.slice(0, 3).map((tag) => (
              <Link key={tag} to="/events" search={{ tag }} className="rounded-full hover:underline">
                <Badge>{tag}</Badge>
              </Link>
            ))}
          </span>
        </div>
        {event.problem ? (
          <p className="flex items-center gap-1 text-sm text-failed" title={event.problem}>
            <TriangleAlert aria-hidden className="size-3.5 shrink-0" />
            <span className="truncate">{sentence(visibleText(event.problem))}</span>
          </p>
        ) : (
          <p className="truncate text-sm text-muted">
            {event.owner !== me?.username && `${event.owner} · `}
            {visibleText(
              event.description ?? [kindLabels[event.kind], actionsText(event.actions)].filter(Boolean).join(' · '),
            )}
          </p>
        )}
      </div>
      <span className="justify-self-end md:justify-self-start">
        <StatusBadge status={event.status} />
      </span>
      <Triggers event={event} />
      <span className="max-md:col-start-2">
        <RecentRuns runs={event.recent} label={`Recent runs of ${name}`} />
      </span>
      <Times event={event} />
      <span className="flex justify-end">
        {event.may_run && (
          <Button
            size="small"
            aria-label={`Run ${name}`}
            disabled={event.status === 'archived'}
            onClick={() => onRun(event)}
          >
            <Play aria-hidden className="size-3.5" /> Run
          </Button>
        )}
      </span>
    </li>
  )
}

const actionsText = (n: number) => (n === 0 ? '' : n === 1 ? '1 action' : `${n} actions`)
const triggerIcons = { schedule: CalendarClock, webhook: Webhook, after: Zap }

function Triggers({ event: { triggers } }: { event: EventSummary }) {
  if (triggers.length === 0) {
    return <span className="hidden text-sm text-muted md:block">by hand or API</span>
  }
  const [one, ...more] = triggers
  const Icon = triggerIcons[one!.kind]
  const all = triggers.map(({ text }) => sentence(text)).join('\n')
  return (
    <span
      title={visibleText(all)}
      className="flex min-w-0 items-center gap-1.5 text-sm text-muted max-md:col-span-2 max-md:col-start-2"
    >
      <Icon aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">{visibleText(sentence(one!.text))}</span>
      {more.length > 0 && <span className="shrink-0">+{more.length}</span>}
    </span>
  )
}

function Times({ event: { last_run, next_at, status } }: { event: EventSummary }) {
  return (
    <span className="hidden min-w-0 flex-col text-sm text-muted tabular-nums md:flex">
      {last_run ? (
        <span className="flex items-center gap-1.5">
          <StateIcon state={last_run.state} className="size-3.5" />
          <RelativeTime at={last_run.created_at} />
        </span>
      ) : (
        <span>–</span>
      )}
      {next_at && status === 'active' && (
        <span className="flex items-center gap-1.5">
          <CalendarClock aria-hidden className="size-3.5" />
          <span className="sr-only">Next run </span>
          <RelativeTime at={next_at} />
        </span>
      )}
    </span>
  )
}
