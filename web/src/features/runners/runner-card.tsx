import { CircleAlert, CircleCheck, ChevronRight } from 'lucide-react'
import { useState, type ReactNode } from 'react'
import { Badge } from '../../components/badge.tsx'
import { Meter } from '../../components/meter.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { Runner } from '../../lib/api.ts'
import { byteSize, exactTime } from '../../lib/time.ts'
import { executorWords } from '../jobs/place/executors.ts'
import { facilitiesOf, loadOf, sharesOf, type Facility } from './facilities.ts'
import { RunnerElsewhere } from './runner-elsewhere.tsx'
import { RunnerJobs } from './runner-jobs.tsx'
import { RunnerState } from './runner-state.tsx'

/** One runner: its line at all times, the rest when it is open. */
export function RunnerCard({ runner, open: openAtFirst }: { runner: Runner; open: boolean }) {
  const [open, setOpen] = useState(openAtFirst)
  const shares = sharesOf(runner.facilities)
  const bad = [...facilitiesOf(runner.facilities), ...shares].filter(({ held }) => !held).length
  return (
    <section aria-label={`Runner ${runner.name}`} className="rounded-lg border border-line bg-surface">
      <h2>
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex w-full flex-wrap items-center gap-x-4 gap-y-1 rounded-lg px-4 py-2.5 text-left hover:bg-sunken"
        >
          <ChevronRight aria-hidden className={`size-4 text-muted ${open ? 'rotate-90' : ''}`} />
          <span className="min-w-0 flex-1 basis-40 truncate font-semibold">{runner.name}</span>
          <RunnerState state={runner.state} word />
          {bad > 0 && <Badge tone="warn">{bad} not held</Badge>}
          <Meter label={`Slots of ${runner.name}`} value={runner.slots_used} max={runner.slots} />
          <span className="w-24 text-right text-sm text-muted tabular-nums">
            {runner.state === 'online' ? `v${runner.version}` : <RelativeTime at={runner.last_seen_at} />}
          </span>
        </button>
      </h2>
      {open && (
        <div className="grid gap-x-8 gap-y-5 border-t border-line p-4 lg:grid-cols-3">
          <Facts runner={runner} />
          <div className="flex flex-col gap-5">
            <Held title="Limits and isolation" list={facilitiesOf(runner.facilities)} />
            {shares.length > 0 && <Held title="Shared inputs" list={shares} />}
            <RunnerElsewhere runner={runner} />
          </div>
          <RunnerJobs runner={runner} />
        </div>
      )}
    </section>
  )
}

function Facts({ runner }: { runner: Runner }) {
  const labels = Object.entries(runner.labels)
  const { certificate } = runner
  const load = loadOf(runner.facilities)
  return (
    <dl className="flex flex-col gap-1.5 text-sm">
      <Fact name="Host">{runner.hostname}</Fact>
      <Fact name="Has">
        {runner.cpu_millis / 1000} cores, {byteSize(runner.memory_mib * 1024 * 1024)}
      </Fact>
      <Fact name="Runs">{runner.executors.map((one) => executorWords(one).label).join(', ')}</Fact>
      {load && (
        <Fact name="Load">
          CPU {load.cpu}, memory {load.memory}
          {load.holdingBack > 0 && (
            <span className="block text-running">
              Holds {load.holdingBack === 1 ? 'one job' : `${load.holdingBack} jobs`} back: {load.why}
            </span>
          )}
        </Fact>
      )}
      <Fact name="Version">{runner.version}</Fact>
      <Fact name="Last heard">
        <RelativeTime at={runner.last_seen_at} />
      </Fact>
      <Fact name="Registered">{exactTime(runner.registered_at)}</Fact>
      <Fact name="Certificate">
        {certificate === null ? (
          'none: on the server’s own machine'
        ) : certificate.revoked_at ? (
          <span className="text-failed">revoked {exactTime(certificate.revoked_at)}</span>
        ) : (
          <>
            ends <RelativeTime at={certificate.ends_at} />
          </>
        )}
      </Fact>
      {runner.taken_over && (
        <Fact name="Taken over">
          from {runner.taken_over.from}, <RelativeTime at={runner.taken_over.at} />
        </Fact>
      )}
      <Fact name="Labels">
        {labels.length === 0 ? (
          'none'
        ) : (
          <span className="flex flex-wrap gap-1">
            {labels.map(([key, value]) => (
              <Badge key={key}>
                {key}={value}
              </Badge>
            ))}
          </span>
        )}
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-3">
      <dt className="w-24 shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  )
}

function Held({ title, list }: { title: string; list: Facility[] }) {
  return (
    <div>
      <h3 className="mb-1.5 text-sm font-semibold text-muted">{title}</h3>
      <ul className="flex flex-col gap-1.5 text-sm">
        {list.map(({ name, held, detail }) => {
          const Icon = held ? CircleCheck : CircleAlert
          return (
            <li key={name} className="flex gap-2">
              <Icon
                role="img"
                aria-label={held ? 'held' : 'not held'}
                className={`mt-0.5 size-4 shrink-0 ${held ? 'text-passed' : 'text-failed'}`}
              />
              <span className="min-w-0 break-words">
                {name} {detail !== '' && <span className="text-muted">{held ? detail : `not held: ${detail}`}</span>}
              </span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
