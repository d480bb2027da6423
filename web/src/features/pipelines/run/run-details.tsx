import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { PipelineRun } from '../../../lib/api.ts'
import { exactTime } from '../../../lib/time.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { triggerLabel } from '../words.ts'

/** What it was started with, and when what happened. */
export function RunDetails({ run }: { run: PipelineRun }) {
  const variables = Object.entries(run.variables)
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <section aria-labelledby="variables" className="min-w-0 rounded-lg border border-line bg-surface p-4">
        <h2 id="variables" className="mb-2 text-sm font-semibold">
          Variables
        </h2>
        {variables.length === 0 ? (
          <p className="text-sm text-muted">No variables.</p>
        ) : (
          <dl>
            {variables.map(([name, value]) => (
              <Fact key={name} name={visibleText(name)}>
                <code className="font-mono text-xs break-all whitespace-pre-wrap">
                  {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
                </code>
              </Fact>
            ))}
          </dl>
        )}
      </section>
      <section aria-labelledby="facts" className="min-w-0 rounded-lg border border-line bg-surface p-4">
        <h2 id="facts" className="mb-2 text-sm font-semibold">
          Details
        </h2>
        <dl>
          <Fact name="Pipeline">
            <Link
              to="/pipelines/$name"
              params={{ name: run.pipeline }}
              search={{ tab: 'versions', to: run.version }}
              className="rounded text-accent underline underline-offset-2"
            >
              {visibleText(run.pipeline)}, version {run.version}
            </Link>
          </Fact>
          <Fact name="Owner">{run.owner}</Fact>
          <Fact name="Started">{triggerLabel(run.trigger)}</Fact>
          <Fact name="Created">{exactTime(run.created_at)}</Fact>
          {run.not_before && <Fact name="Not before">{exactTime(run.not_before)}</Fact>}
          <Fact name="First task began">{run.started_at ? exactTime(run.started_at) : 'not yet'}</Fact>
          <Fact name="Ended">{run.ended_at ? exactTime(run.ended_at) : 'not yet'}</Fact>
          {run.queue_partition && <Fact name="Partition">{visibleText(run.queue_partition)}</Fact>}
          <Fact name="UUID">
            <span className="font-mono text-xs break-all">{run.uuid}</span>
          </Fact>
        </dl>
      </section>
    </div>
  )
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-3 border-t border-line py-1.5 text-sm first:border-t-0">
      <dt className="w-28 shrink-0 break-words text-muted">{name}</dt>
      <dd className="min-w-0 flex-1 break-words">{children}</dd>
    </div>
  )
}
