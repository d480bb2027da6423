import { Link } from '@tanstack/react-router'
import { Badge, type BadgeTone } from '../../../components/badge.tsx'
import { RelativeTime } from '../../../components/relative-time.tsx'
import type { ActionFiring, EventRunDetail } from '../../../lib/api.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { effectLabels } from '../describe.ts'

const looks: Record<ActionFiring['state'], { label: string; tone: BadgeTone }> = {
  due: { label: 'To come', tone: 'warn' },
  done: { label: 'Done', tone: 'good' },
  skipped: { label: 'Left out', tone: 'plain' },
  refused: { label: 'Refused', tone: 'bad' },
  failed: { label: 'Failed', tone: 'bad' },
}

/** What followed a run, and what came of it. */
export function FiredActions({ run }: { run: EventRunDetail }) {
  if (run.actions.length === 0) {
    return (
      <p className="text-sm text-muted">
        {run.settled_at === null ? 'They are decided when it has ended.' : 'Nothing followed.'}
      </p>
    )
  }
  return (
    <ol className="flex flex-col">
      {run.actions.map((firing) => (
        <li key={firing.id} className="border-t border-line py-2 text-sm first:border-t-0 first:pt-0 last:pb-0">
          <div className="flex items-center gap-2">
            <span className="min-w-0 flex-1 truncate font-medium">
              {visibleText(firing.action)}
              {firing.iteration > 1 && <span className="font-normal text-muted"> · time {firing.iteration}</span>}
            </span>
            <Badge tone={looks[firing.state].tone}>{looks[firing.state].label}</Badge>
          </div>
          <p className="flex flex-wrap gap-x-2 text-muted">
            {effectLabels[firing.kind]}
            <Came of={firing} />
            {firing.state === 'due' && <RelativeTime at={firing.due_at} />}
          </p>
          {firing.reason && (
            <p className={firing.state === 'skipped' ? 'text-muted' : 'text-failed'}>
              {sentence(visibleText(firing.reason))}
            </p>
          )}
        </li>
      ))}
    </ol>
  )
}

function Came({ of: { event_run_id, pipeline_run_id, job_id } }: { of: ActionFiring }) {
  const look = 'rounded font-mono text-xs leading-5 text-accent hover:underline'
  if (event_run_id) {
    return (
      <Link to="/event-runs/$id" params={{ id: event_run_id }} className={look}>
        {event_run_id}
      </Link>
    )
  }
  if (pipeline_run_id) {
    return (
      <Link to="/runs/$id" params={{ id: pipeline_run_id }} className={look}>
        {pipeline_run_id}
      </Link>
    )
  }
  return job_id ? (
    <Link to="/jobs/$id" params={{ id: job_id }} className={look}>
      {job_id}
    </Link>
  ) : null
}
