import { Link } from '@tanstack/react-router'
import { Pause, Pencil, Play } from 'lucide-react'
import { Badge } from '../../components/badge.tsx'
import { IconButton } from '../../components/button.tsx'
import { Meter } from '../../components/meter.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Queue } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { retentionText } from './queue-form.ts'

const count = new Intl.NumberFormat()

interface QueueTableProps {
  queues: Queue[]
  /** Missing: one may not change queues. */
  onEdit?: (queue: Queue) => void
  onPause: (queue: Queue) => void
}

export function QueueTable({ queues, onEdit, onPause }: QueueTableProps) {
  return (
    <Table label="Queues">
      <TableHead>
        <Th>Queue</Th>
        <Th number>Waiting</Th>
        <Th number>Running</Th>
        <Th>At a time</Th>
        <Th>Starts</Th>
        <Th number>Ended, kept</Th>
        <Th number>Logs</Th>
        <Th>Keeps</Th>
        {onEdit && <ActsTh />}
      </TableHead>
      <tbody>
        {queues.map((queue) => (
          <Tr key={queue.name}>
            <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
              <span className="flex items-center gap-2">
                <Link
                  to="/jobs"
                  search={{ queue: queue.name }}
                  className={`rounded hover:underline ${nameCell}`}
                  title={queue.name}
                >
                  {queue.name}
                </Link>
                {queue.paused && <Badge tone="warn">Paused</Badge>}
              </span>
            </th>
            <Td number>
              <Link to="/jobs" search={{ queue: queue.name, status: 'waiting' }} className="rounded hover:underline">
                {count.format(queue.waiting)}
              </Link>
            </Td>
            <Td number>
              <Link to="/jobs" search={{ queue: queue.name, status: 'running' }} className="rounded hover:underline">
                {count.format(queue.running)}
              </Link>
            </Td>
            <Td muted>
              {queue.concurrency === null ? (
                'no limit'
              ) : (
                <Meter label={`Running in ${queue.name}`} value={queue.running} max={queue.concurrency} />
              )}
            </Td>
            <Td muted>{queue.rate ? `${count.format(queue.rate.starts)} in ${queue.rate.seconds} s` : 'no limit'}</Td>
            <Td number>{count.format(queue.kept)}</Td>
            <Td number>{byteSize(queue.log_bytes)}</Td>
            <Td muted>{retentionText(queue)}</Td>
            {onEdit && (
              <ActsTd>
                <IconButton
                  small
                  label={queue.paused ? `Let queue ${queue.name} go on` : `Pause queue ${queue.name}`}
                  onClick={() => onPause(queue)}
                >
                  {queue.paused ? (
                    <Play aria-hidden className="size-3.5" />
                  ) : (
                    <Pause aria-hidden className="size-3.5" />
                  )}
                </IconButton>
                <IconButton small label={`Change queue ${queue.name}`} onClick={() => onEdit(queue)}>
                  <Pencil aria-hidden className="size-3.5" />
                </IconButton>
              </ActsTd>
            )}
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}
