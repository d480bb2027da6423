import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { visibleText } from '../../lib/visible-text.ts'
import { JobDuration } from '../jobs/job-duration.tsx'
import { jobListQuery } from '../jobs/queries.ts'
import { StateChip } from '../jobs/state-chip.tsx'
import { useLiveJobs } from '../jobs/use-live-jobs.ts'

const most = 25

/** What ran there last, of what one may see. */
export function HostJobs({ host }: { host: string }) {
  useLiveJobs()
  const list = useInfiniteQuery(jobListQuery({ host }))
  const jobs = list.data?.pages[0]?.jobs.slice(0, most) ?? []
  return (
    <Card
      title="Recent jobs"
      className="gap-2"
      action={
        <Link to="/jobs" search={{ host }} className="rounded text-xs font-medium text-accent hover:underline">
          All of them
        </Link>
      }
    >
      {list.isPending && <Loading rows={5} label="Loading jobs" />}
      {list.isError && <Failed error={list.error} retry={() => void list.refetch()} />}
      {list.isSuccess && jobs.length === 0 && (
        <>
          <p className="text-sm text-muted">Nothing ran there yet.</p>
          <CopyLine text={`runyard run --host ${host} -- uptime`} />
        </>
      )}
      {jobs.length > 0 && (
        <ul className="-mx-4 -mb-4">
          {jobs.map((job) => (
            <li key={job.id} className="border-t border-line">
              <Link
                to="/jobs/$id"
                params={{ id: job.id }}
                className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-4 py-1.5 hover:bg-sunken sm:grid-cols-[8.5rem_minmax(0,1fr)_5.5rem_5rem]"
              >
                <StateChip state={job.state} className="justify-self-start max-sm:order-2" />
                <span className="truncate font-medium max-sm:order-1" dir="auto">
                  {visibleText(job.name)}
                  {(job.hosts?.length ?? 1) > 1 && (
                    <span className="ml-2 text-sm font-normal text-muted">on {job.hosts!.length} hosts</span>
                  )}
                </span>
                <span className="text-sm text-muted tabular-nums max-sm:order-3 sm:text-right">
                  <JobDuration job={job} />
                </span>
                <span className="text-right text-sm text-muted tabular-nums max-sm:order-4">
                  <RelativeTime at={job.created_at} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
