import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { buttonLook } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { EventDefinition, EventDetail } from '../../../lib/api.ts'
import { exactTime } from '../../../lib/time.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { OutcomeBadge } from '../../schedules/outcome-badge.tsx'
import { timingText } from '../../schedules/schedule-form.ts'
import { afterText } from '../describe.ts'
import { eventSchedulesQuery } from '../queries.ts'
import { Webhooks } from '../webhooks/webhooks.tsx'

/** What starts it by itself. */
export default function TriggersTab({ event }: { event: EventDetail }) {
  const { after } = event.definition as unknown as EventDefinition
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <div className="flex flex-col gap-4">
        {event.status !== 'active' && event.triggers.length > 0 && (
          <p className="text-sm text-muted">It is {event.status}: nothing of this starts it until it is activated.</p>
        )}
        <Schedules event={event} />
        <Card title="After something else" action={event.may_change && <EditLink event={event} />}>
          {after.length === 0 ? (
            <p className="text-sm text-muted">
              It can follow the end of another event, a pipeline or a job, and gets its output as input.
            </p>
          ) : (
            <ul className="flex flex-col gap-1.5 text-sm">
              {after.map((one, index) => (
                <li key={index}>{visibleText(afterText(one))}</li>
              ))}
            </ul>
          )}
        </Card>
      </div>
      <Webhooks event={event} />
    </div>
  )
}

const EditLink = ({ event }: { event: EventDetail }) => (
  <Link
    to="/events/$event/edit"
    params={{ event: event.id }}
    search={{ tab: 'triggers' }}
    className={buttonLook('quiet', 'small')}
  >
    <Plus aria-hidden className="size-3.5" /> Change
  </Link>
)

function Schedules({ event }: { event: EventDetail }) {
  const list = useInfiniteQuery(eventSchedulesQuery(event.id))
  const schedules = list.data?.pages.flatMap((page) => page.schedules) ?? []
  return (
    <Card title="Schedules" action={event.may_change && <EditLink event={event} />}>
      {list.isPending && <Loading rows={2} label="Loading schedules" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && schedules.length === 0 && <p className="text-sm text-muted">None: no clock starts it.</p>}
      {schedules.length > 0 && (
        <ul className="flex flex-col">
          {schedules.map((schedule) => (
            <li
              key={schedule.id}
              className="flex flex-wrap items-baseline gap-x-4 border-t border-line py-2 text-sm first:border-t-0 first:pt-0 last:pb-0"
            >
              <span className="min-w-0 flex-1 basis-48">
                <span className="block font-medium">{visibleText(schedule.name)}</span>
                <span className="text-muted" title={schedule.cron ?? undefined}>
                  {sentence(timingText(schedule))}
                  {schedule.cron !== null && ` · ${schedule.zone}`}
                </span>
                {schedule.problem && (
                  <span className="block text-failed">{sentence(visibleText(schedule.problem))}</span>
                )}
              </span>
              <span className="text-muted tabular-nums">
                {!schedule.enabled ? (
                  'off'
                ) : schedule.next_at && event.status === 'active' ? (
                  <span title={exactTime(schedule.next_at)}>
                    next <RelativeTime at={schedule.next_at} />
                  </span>
                ) : (
                  'nothing to come'
                )}
              </span>
              {schedule.last_tick && (
                <span className="flex items-center gap-1.5 text-muted">
                  <OutcomeBadge outcome={schedule.last_tick.outcome} /> <RelativeTime at={schedule.last_tick.tick} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
