import { Link } from '@tanstack/react-router'
import { ChartLine } from 'lucide-react'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import { nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { AnalyticsRow } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { byteSize, runTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { percent } from './figures.ts'
import type { Kind, Sort } from './place.ts'

interface RanTableProps {
  rows: readonly AnalyticsRow[]
  by: Kind
  sort: Sort
  onSort: (sort: Sort) => void
  /** Shows one alone in the charts. */
  onChart: (row: AnalyticsRow) => void
}

const headings: Record<Kind, string> = { event: 'Event', pipeline: 'Pipeline', user: 'User' }
const time = (ms: number | null) => (ms === null ? '–' : runTime(ms))

/** What is worst, or most, comes first; a click on a heading chooses what that is. */
export function RanTable({ rows, by, sort, onSort, onChart }: RanTableProps) {
  const heading = (key: Sort, text: string, title?: string) => (
    <Th number aria-sort={sort === key ? (key === 'success_rate' ? 'ascending' : 'descending') : undefined}>
      <button
        type="button"
        title={title}
        aria-pressed={sort === key}
        onClick={() => onSort(key)}
        className={cn('rounded hover:text-text hover:underline', sort === key && 'font-semibold text-text')}
      >
        {text}
        {sort === key && <span aria-hidden>{key === 'success_rate' ? ' ↑' : ' ↓'}</span>}
      </button>
    </Th>
  )
  return (
    <Table label={`By ${by}`}>
      <TableHead>
        <Th>{headings[by]}</Th>
        {heading('runs', by === 'user' ? 'Jobs' : 'Runs')}
        <Th>
          <span className="sr-only">How they ended</span>
        </Th>
        {heading('failed', 'Failed')}
        {heading('success_rate', 'Success', 'Of those that succeeded or failed')}
        <Th number>p50</Th>
        {heading('duration_p95', 'p95', 'From the beginning to the end')}
        {heading('wait_p95', 'Wait p95', 'From when it was asked for to its beginning')}
        {heading('cpu', 'CPU')}
        <Th number>Memory</Th>
        <Th>Last</Th>
      </TableHead>
      <tbody>
        {rows.map((row) => {
          const name = visibleText(row.name)
          return (
            <Tr key={row.id ?? row.name}>
              <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
                <span className="flex items-center gap-1.5">
                  <NameLink row={row} by={by} />
                  {by !== 'user' && (
                    <button
                      type="button"
                      title={`${name} alone in the charts`}
                      aria-label={`${name} alone in the charts`}
                      onClick={() => onChart(row)}
                      className="rounded p-0.5 text-muted hover:bg-sunken hover:text-text"
                    >
                      <ChartLine aria-hidden className="size-3.5" />
                    </button>
                  )}
                </span>
              </th>
              <Td number>{row.runs.toLocaleString()}</Td>
              <Td>
                <SegmentedBar
                  className="h-2 w-20"
                  label={`Runs of ${name}`}
                  parts={[
                    { kind: 'passed', n: row.succeeded },
                    { kind: 'failed', n: row.failed },
                    { kind: 'cancelled', n: row.cancelled },
                  ]}
                />
              </Td>
              <Td number className={row.failed > 0 ? 'font-semibold text-failed' : 'text-muted'}>
                {row.failed.toLocaleString()}
              </Td>
              <Td number>{percent(row.success_rate)}</Td>
              <Td number>{time(row.duration_p50_ms)}</Td>
              <Td number>{time(row.duration_p95_ms)}</Td>
              <Td number>{time(row.wait_p95_ms)}</Td>
              <Td number>{time(row.cpu_ms)}</Td>
              <Td number>{row.memory_max_bytes === null ? '–' : byteSize(row.memory_max_bytes)}</Td>
              <Td muted>{row.last_at ? <RelativeTime at={row.last_at} /> : '–'}</Td>
            </Tr>
          )
        })}
      </tbody>
    </Table>
  )
}

/** To the event or the pipeline, or to the jobs of the user. */
export function NameLink({ row: { id, name }, by }: { row: Pick<AnalyticsRow, 'id' | 'name'>; by: Kind }) {
  const text = visibleText(name)
  const look = `rounded hover:underline ${nameCell}`
  if (by === 'user') {
    return (
      <Link to="/jobs" search={{ owner: name }} className={look} title={text}>
        {text}
      </Link>
    )
  }
  return by === 'pipeline' ? (
    <Link to="/pipelines/$name" params={{ name }} className={look} title={text} dir="auto">
      {text}
    </Link>
  ) : (
    <Link to="/events/$event" params={{ event: id ?? name }} className={look} title={text} dir="auto">
      {text}
    </Link>
  )
}
