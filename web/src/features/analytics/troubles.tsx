import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Badge, type BadgeTone } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import type { api } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { duration, exactTime, runTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { percent } from './figures.ts'
import type { AnalyticsPlace } from './place.ts'
import { troublesQuery } from './queries.ts'

type Found = Awaited<ReturnType<typeof api.analytics.troubles>>

/** What deserves a look: slow, failing, flapping, late. */
export function Troubles({ place }: { place: AnalyticsPlace }) {
  const { data, isPending, isError, error, refetch } = useQuery(troublesQuery(place))
  if (isPending) return <Loading rows={3} label="Loading troubles" />
  if (isError && !data) return <Failed error={error} retry={() => void refetch()} />
  const { slowest, failing, flapping, late } = data!
  return (
    <div className="grid items-start gap-3 md:grid-cols-2 2xl:grid-cols-4">
      <List title="Slowest" none="Nothing ended in this time." items={slowest.slice(0, 8)}>
        {(row) => (
          <Line name={row.name} id={row.id}>
            p95 {row.duration_p95_ms === null ? '–' : runTime(row.duration_p95_ms)}
          </Line>
        )}
      </List>
      <List title="Most failing" none="Nothing failed in this time." items={failing.slice(0, 8)}>
        {(row) => (
          <Line name={row.name} id={row.id}>
            <span className="text-failed">{row.failed.toLocaleString()} failed</span>, {percent(row.success_rate)}{' '}
            succeed
          </Line>
        )}
      </List>
      <List title="Flapping" none="Nothing turned from success to failure and back." items={flapping.slice(0, 8)}>
        {(row) => (
          <Line name={row.name} id={row.id}>
            turned {row.turns} times in {row.runs} runs
          </Line>
        )}
      </List>
      <List title="Late, or not started" none="All schedules were on time." items={late.slice(0, 8)}>
        {(tick) => <Late tick={tick} />}
      </List>
    </div>
  )
}

interface ListProps<T> {
  title: string
  none: string
  items: readonly T[]
  children: (item: T) => ReactNode
}

function List<T>({ title, none, items, children }: ListProps<T>) {
  return (
    <Card title={title}>
      {items.length === 0 && <p className="text-sm text-muted">{none}</p>}
      <ul className="-my-1.5 flex flex-col">
        {items.map((item, index) => (
          <li key={index} className="border-t border-line py-1.5 text-sm first:border-t-0">
            {children(item)}
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Line({ name, id, children }: { name: string; id: string | null; children: ReactNode }) {
  return (
    <span className="flex items-baseline justify-between gap-3">
      <Link
        to="/events/$event"
        params={{ event: id ?? name }}
        className="min-w-0 truncate rounded font-medium hover:underline"
        dir="auto"
      >
        {visibleText(name)}
      </Link>
      <span className="shrink-0 text-muted tabular-nums">{children}</span>
    </span>
  )
}

const outcomes: Record<Found['late'][number]['outcome'], { tone: BadgeTone; word: string }> = {
  started: { tone: 'warn', word: 'Late' },
  skipped: { tone: 'plain', word: 'Skipped' },
  missed: { tone: 'warn', word: 'Missed' },
  refused: { tone: 'bad', word: 'Refused' },
  not_started: { tone: 'bad', word: 'Not begun' },
}

function Late({ tick: { name, target, tick, outcome, late_ms, reason } }: { tick: Found['late'][number] }) {
  const { tone, word } = outcomes[outcome]
  return (
    <div className="flex flex-col gap-0.5">
      <span className="flex items-baseline justify-between gap-3">
        <Link
          to="/schedules"
          className="min-w-0 truncate rounded font-medium hover:underline"
          title={visibleText(target)}
        >
          {visibleText(name)}
        </Link>
        <Badge tone={tone}>{word}</Badge>
      </span>
      <span className="text-xs text-muted tabular-nums">
        {exactTime(tick)}
        {late_ms !== null && late_ms > 0 && `, ${duration(late_ms)} late`}
      </span>
      {reason && (
        <span className="truncate text-xs text-muted" title={visibleText(reason)}>
          {sentence(visibleText(reason))}
        </span>
      )}
    </div>
  )
}
