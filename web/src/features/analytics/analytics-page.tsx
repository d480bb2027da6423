import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Toggle } from '../../components/button.tsx'
import { Select } from '../../components/field.tsx'
import { FilterChips } from '../../components/filter-chips.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { StatCard } from '../../components/stat-card.tsx'
import type { AnalyticsRow } from '../../lib/api.ts'
import { byteSize, runTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { eventQuery } from '../events/queries.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import { Charts } from './charts.tsx'
import { percent } from './figures.ts'
import { HeatMap } from './heat-map.tsx'
import { kinds, spans, type AnalyticsPlace, type Kind } from './place.ts'
import { tableQuery } from './queries.ts'
import { RanTable } from './ran-table.tsx'
import { Troubles } from './troubles.tsx'

const kindLabels: Record<Kind, string> = { event: 'Events', pipeline: 'Pipelines', user: 'Users' }

/** How things ran: over time, by the hour, one by one, and what deserves a look. */
export function AnalyticsPage() {
  const place = useSearch({ from: '/_app/analytics' })
  const navigate = useNavigate({ from: '/analytics' })
  const change = (part: AnalyticsPlace) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false })
  const onlyOwn = useSeesOnlyOwn()
  return (
    <div className="flex flex-col gap-3">
      <PageHead
        title="Analytics"
        description={onlyOwn ? 'How what is yours ran.' : 'How events, pipelines and users’ jobs ran.'}
      >
        <Select
          aria-label="Time"
          wide={false}
          value={place.days ?? 7}
          onChange={(event) =>
            change({ days: Number(event.target.value) === 7 ? undefined : Number(event.target.value) })
          }
        >
          {spans.map((span) => (
            <option key={span} value={span}>
              {span === 1 ? 'Last 24 hours' : `Last ${span} days`}
            </option>
          ))}
        </Select>
      </PageHead>
      <Subject place={place} onClear={() => change({ event: undefined, pipeline: undefined })} />
      <Charts place={place} />
      {place.pipeline === undefined && <HeatMap place={place} />}
      <Ran place={place} onChange={change} />
      <Troubles place={place} />
    </div>
  )
}

/** What the charts are narrowed to. */
function Subject({ place: { event, pipeline }, onClear }: { place: AnalyticsPlace; onClear: () => void }) {
  const named = useQuery({
    ...eventQuery(event ?? ''),
    enabled: event !== undefined,
    refetchInterval: false,
    retry: false,
  })
  if (event === undefined && pipeline === undefined) return null
  const name = pipeline ?? named.data?.name ?? event!
  const chip = { key: 'subject', name: 'Charts of', value: visibleText(name), onRemove: onClear }
  return <FilterChips chips={[chip]} onClear={onClear} />
}

function Ran({ place, onChange }: { place: AnalyticsPlace; onChange: (part: AnalyticsPlace) => void }) {
  const { by = 'event', sort = 'runs', q } = place
  const { data, isPending, isError, error, refetch } = useQuery(tableQuery(place))
  const chart = (row: AnalyticsRow) => {
    onChange(
      by === 'pipeline' ? { pipeline: row.name, event: undefined } : { event: row.id ?? row.name, pipeline: undefined },
    )
    scrollTo({ top: 0 })
  }
  return (
    <section aria-label="One by one" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <div role="group" aria-label="One row for each" className="flex gap-0.5">
          {kinds.map((kind) => (
            <Toggle
              key={kind}
              pressed={by === kind}
              onClick={() => onChange({ by: kind === 'event' ? undefined : kind })}
            >
              {kindLabels[kind]}
            </Toggle>
          ))}
        </div>
        <SearchBox label="Search by name" value={q ?? ''} onSearch={(text) => onChange({ q: text || undefined })} />
      </div>
      {isPending && <Loading rows={4} label="Loading numbers" />}
      {isError && !data && <Failed error={error} retry={() => void refetch()} />}
      {data && <Total total={data.total} by={by} />}
      {data && data.rows.length > 0 && (
        <RanTable
          rows={data.rows}
          by={by}
          sort={sort}
          onSort={(next) => onChange({ sort: next === 'runs' ? undefined : next })}
          onChart={chart}
        />
      )}
      {data?.rows.length === 0 && <NothingRan by={by} narrowed={q !== undefined} />}
    </section>
  )
}

type Numbers = Pick<
  AnalyticsRow,
  | 'runs'
  | 'failed'
  | 'success_rate'
  | 'duration_p50_ms'
  | 'duration_p95_ms'
  | 'wait_p50_ms'
  | 'wait_p95_ms'
  | 'cpu_ms'
  | 'memory_max_bytes'
>

function Total({ total, by }: { total: Numbers; by: Kind }) {
  const time = (ms: number | null) => (ms === null ? null : runTime(ms))
  return (
    <div
      role="group"
      aria-label="All together"
      className="grid grid-cols-2 gap-x-4 gap-y-3 rounded-lg border border-line bg-surface p-3 sm:grid-cols-4 xl:grid-cols-7"
    >
      <StatCard label={by === 'user' ? 'Jobs' : 'Runs'} value={total.runs.toLocaleString()} />
      <StatCard label="Success" value={percent(total.success_rate)} fill="bg-passed-fill" />
      <StatCard label="Failed" value={total.failed.toLocaleString()} fill="bg-failed-fill" />
      <StatCard
        label="Duration p50"
        value={time(total.duration_p50_ms)}
        hint={`p95 ${time(total.duration_p95_ms) ?? '–'}`}
      />
      <StatCard label="Wait p50" value={time(total.wait_p50_ms)} hint={`p95 ${time(total.wait_p95_ms) ?? '–'}`} />
      <StatCard label="CPU time" value={runTime(total.cpu_ms)} />
      <StatCard
        label="Most memory"
        value={total.memory_max_bytes === null ? null : byteSize(total.memory_max_bytes)}
        hint="of one run"
      />
    </div>
  )
}

function NothingRan({ by, narrowed }: { by: Kind; narrowed: boolean }) {
  if (narrowed) {
    return (
      <Empty title="Nothing matches">
        <p className="text-muted">Nothing of that name ran in this time.</p>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing ran in this time">
      <p className="text-muted">
        {by === 'pipeline' ? 'Runs of pipelines' : by === 'user' ? 'Jobs' : 'Runs of events'} are counted when they have
        ended; test runs count for nothing.{' '}
        {by === 'event' && (
          <>
            <Link to="/events" className="text-accent underline underline-offset-2">
              Events
            </Link>{' '}
            run by hand, on a schedule, or when a webhook comes in.
          </>
        )}
      </p>
    </Empty>
  )
}
