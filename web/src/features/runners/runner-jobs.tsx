import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Runner } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { JobDuration } from '../jobs/job-duration.tsx'
import { StateIcon } from '../jobs/state-chip.tsx'
import { heldJobsQuery } from './queries.ts'

/** The jobs that the runner has now, of those that one may see. */
export function RunnerJobs({ runner }: { runner: Runner }) {
  const held = useQuery(heldJobsQuery).data ?? []
  const here = held.filter((job) => job.runner === runner.name)
  return (
    <div className="min-w-0">
      <h3 className="mb-1.5 text-sm font-semibold text-muted">Running there</h3>
      {here.length === 0 && (
        <p className="text-sm text-muted">{runner.slots_used === 0 ? 'Nothing.' : 'Nothing that is yours to see.'}</p>
      )}
      <ul>
        {here.map((job) => (
          <li key={job.id}>
            <Link
              to="/jobs/$id"
              params={{ id: job.id }}
              className="-mx-2 flex items-center gap-2 rounded-md px-2 py-1 text-sm hover:bg-sunken"
            >
              <StateIcon state={job.state} />
              <span className="min-w-0 flex-1 truncate" dir="auto">
                {visibleText(job.name)}
              </span>
              <span className="text-muted tabular-nums">
                <JobDuration job={job} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
