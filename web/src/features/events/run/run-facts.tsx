import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { EventRunDetail } from '../../../lib/api.ts'
import { exactTime, runTime } from '../../../lib/time.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { executorWords } from '../../jobs/place/executors.ts'
import { StateIcon } from '../../jobs/state-chip.tsx'
import { Elapsed } from '../elapsed.tsx'
import { triggerLabels } from '../words.ts'

const link = 'rounded text-accent hover:underline'

export function RunFacts({ run }: { run: EventRunDetail }) {
  const { cause } = run
  const waited = run.started_at && Date.parse(run.started_at) - Date.parse(run.created_at)
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
      <Fact name="Started by">
        {sentence(visibleText(cause.text || triggerLabels[run.trigger]))}
        {cause.run_id && (
          <>
            {' '}
            <Link to="/event-runs/$id" params={{ id: cause.run_id }} className={`${link} font-mono text-xs`}>
              {cause.run_id}
            </Link>
          </>
        )}
        {cause.job_id && (
          <>
            {' '}
            <Link to="/jobs/$id" params={{ id: cause.job_id }} className={`${link} font-mono text-xs`}>
              {cause.job_id}
            </Link>
          </>
        )}
      </Fact>
      <Fact name="Created">{exactTime(run.created_at)}</Fact>
      {waited !== null && waited !== '' && <Fact name="Waited">{runTime(waited)}</Fact>}
      {run.started_at && (
        <Fact name="Took">
          <Elapsed run={run} />
        </Fact>
      )}
      <Fact name="Version">
        {run.version === null ? (
          'not saved (test)'
        ) : (
          <Link
            to="/events/$event"
            params={{ event: run.event.id }}
            search={{ tab: 'versions', to: run.version }}
            className={link}
          >
            {run.version}
          </Link>
        )}
      </Fact>
      {run.executor && (
        <Fact name="Runs in">
          {executorWords(run.executor).label}
          {run.image && <code className="ml-1.5 font-mono text-xs">{visibleText(run.image)}</code>}
          {run.hosts && <span className="ml-1.5">{run.hosts.join(', ')}</span>}
        </Fact>
      )}
      {run.attempts > 1 && <Fact name="Attempts">{run.attempts}</Fact>}
      {run.exit_code !== null && <Fact name="Exit code">{run.exit_code}</Fact>}
      {run.condition !== null && <Fact name="Condition">{run.condition ? 'true' : 'false'}</Fact>}
      {run.depth > 0 && <Fact name="Depth of the chain">{run.depth}</Fact>}
      {run.job_id && (
        <Fact name="Job">
          <Link to="/jobs/$id" params={{ id: run.job_id }} className={`${link} font-mono text-xs`}>
            {run.job_id}
          </Link>
        </Fact>
      )}
      {run.pipeline_run_id && (
        <Fact name="Pipeline run">
          <Link to="/runs/$id" params={{ id: run.pipeline_run_id }} className={`${link} font-mono text-xs`}>
            {run.pipeline_run_id}
          </Link>
        </Fact>
      )}
      {run.started.length > 0 && (
        <Fact name="It began">
          <ul>
            {run.started.map((one) => (
              <li key={one.id} className="flex items-center gap-1.5">
                <StateIcon state={one.state} className="size-3.5" />
                <Link to="/event-runs/$id" params={{ id: one.id }} className={`${link} font-mono text-xs`}>
                  {one.id}
                </Link>
              </li>
            ))}
          </ul>
        </Fact>
      )}
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </>
  )
}
