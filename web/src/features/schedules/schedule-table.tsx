import { Pause, Pencil, Play, Trash2 } from 'lucide-react'
import { Badge } from '../../components/badge.tsx'
import { IconButton } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Schedule } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { exactTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { useMe } from '../session/session.ts'
import { timingText } from './schedule-form.ts'
import { OutcomeBadge } from './outcome-badge.tsx'
import { StartsLink } from './starts-link.tsx'

type Act = (schedule: Schedule) => void

interface ScheduleTableProps {
  schedules: readonly Schedule[]
  withPipeline: boolean
  onPause: Act
  onEdit: Act
  onDelete: Act
  onDetails: Act
}

export function ScheduleTable({ schedules, withPipeline, ...acts }: ScheduleTableProps) {
  return (
    <Table label="Schedules">
      <TableHead>
        <Th>Schedule</Th>
        {withPipeline && <Th>Pipeline</Th>}
        <Th>When</Th>
        <Th>Next run</Th>
        <Th>Last time</Th>
        <Th>Owner</Th>
        <ActsTh />
      </TableHead>
      <tbody>
        {schedules.map((schedule) => (
          <Row key={schedule.id} schedule={schedule} withPipeline={withPipeline} {...acts} />
        ))}
      </tbody>
    </Table>
  )
}

type RowProps = Omit<ScheduleTableProps, 'schedules'> & { schedule: Schedule }

function Row({ schedule, withPipeline, onPause, onEdit, onDelete, onDetails }: RowProps) {
  const me = useMe()
  const mine = me?.role === 'admin' || (me?.role === 'operator' && me.username === schedule.owner)
  const name = visibleText(schedule.name)
  const last = schedule.last_tick
  return (
    <Tr>
      <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
        <span className="flex items-center gap-2">
          <button
            type="button"
            aria-haspopup="dialog"
            title={name}
            className={`rounded text-left hover:underline ${nameCell}`}
            onClick={() => onDetails(schedule)}
          >
            {name}
          </button>
          {schedule.source === 'file' && <Badge title="Stands in pipelines.yml">File</Badge>}
          {schedule.source === 'event' && <Badge title="Stands in the event">Event</Badge>}
          {!schedule.enabled && <Badge tone="warn">Paused</Badge>}
        </span>
        {schedule.next_at && schedule.enabled && (
          // Its column is out of sight there.
          <span className="block text-xs font-normal text-muted sm:hidden">
            next <RelativeTime at={schedule.next_at} />
          </span>
        )}
      </th>
      {withPipeline && (
        <Td>
          <StartsLink schedule={schedule} className={`block rounded hover:underline ${nameCell}`} />
        </Td>
      )}
      <Td muted>
        <span title={schedule.cron ?? undefined}>{timingText(schedule)}</span>
        {schedule.cron !== null && <span className="ml-1.5 text-xs">{schedule.zone}</span>}
      </Td>
      <Td muted>
        {schedule.next_at && schedule.enabled ? (
          <span title={exactTime(schedule.next_at)}>
            <RelativeTime at={schedule.next_at} />
          </span>
        ) : (
          '–'
        )}
      </Td>
      <Td muted>
        <button
          type="button"
          aria-haspopup="dialog"
          title="What became of its times"
          className="flex items-center gap-1.5 rounded hover:underline"
          onClick={() => onDetails(schedule)}
        >
          {last ? (
            <>
              <OutcomeBadge outcome={last.outcome} /> <RelativeTime at={last.tick} />
            </>
          ) : (
            'none yet'
          )}
          <span className="sr-only"> of {name}</span>
        </button>
        {schedule.problem && (
          <p className="max-w-72 truncate text-xs text-failed" title={schedule.problem}>
            {sentence(visibleText(schedule.problem))}
          </p>
        )}
      </Td>
      <Td muted>{schedule.owner}</Td>
      <ActsTd>
        {mine && (
          <>
            <IconButton
              small
              label={schedule.enabled ? `Pause ${name}` : `Let ${name} go on`}
              onClick={() => onPause(schedule)}
            >
              {schedule.enabled ? (
                <Pause aria-hidden className="size-3.5" />
              ) : (
                <Play aria-hidden className="size-3.5" />
              )}
            </IconButton>
            {schedule.source === 'api' && (
              <>
                <IconButton small label={`Change ${name}`} onClick={() => onEdit(schedule)}>
                  <Pencil aria-hidden className="size-3.5" />
                </IconButton>
                <IconButton small label={`Delete ${name}`} onClick={() => onDelete(schedule)}>
                  <Trash2 aria-hidden className="size-3.5" />
                </IconButton>
              </>
            )}
          </>
        )}
      </ActsTd>
    </Tr>
  )
}
