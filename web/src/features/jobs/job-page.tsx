import { useQuery } from '@tanstack/react-query'
import { Link, useLocation, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { buttonLook } from '../../components/button.tsx'
import { CopyButton } from '../../components/copy-line.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import type { Attempt, Job } from '../../lib/api.ts'
import { isMissing } from '../../lib/problem.ts'
import { commandText } from '../../lib/shell-words.ts'
import { useTitle } from '../../lib/use-title.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { batchQuery } from '../batches/queries.ts'
import { lineOfHash, type LogPlace } from '../logs/log-place.ts'
import { LogView } from '../logs/log-view.tsx'
import { JobActions } from './job-actions.tsx'
import { JobFacts } from './job-facts.tsx'
import { JobMessage } from './job-message.tsx'
import { JobTests } from './job-tests.tsx'
import { JobTimeline } from './job-timeline.tsx'
import { HostResults } from './host-results.tsx'
import { OutcomeNote } from './outcome-note.tsx'
import { ExecutorChip } from './place/executor-chip.tsx'
import { attemptsQuery, jobQuery } from './queries.ts'
import { StateChip } from './state-chip.tsx'
import { isEnded, states } from './states.ts'
import { LimitHints } from './suggested-limits.tsx'
import { useLiveJob } from './use-live-jobs.ts'

export function JobPage() {
  const { id } = useParams({ from: '/_app/jobs/$id' })
  const job = useQuery(jobQuery(id))
  const attempts = useQuery(attemptsQuery(id))
  useLiveJob(id)
  if (job.isPending) return <Loading label="Loading the job" />
  if (job.isError && isMissing(job.error)) return <NoSuchJob id={id} />
  if (!job.data) return <Failed error={job.error} retry={() => void job.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-3 xl:h-[calc(100dvh-2rem)] xl:min-h-[32rem] xl:flex-none">
      {job.isError && <Failed error={job.error} retry={() => void job.refetch()} />}
      <Loaded key={id} job={job.data} attempts={attempts.data ?? []} />
    </div>
  )
}

function Loaded({ job, attempts }: { job: Job; attempts: Attempt[] }) {
  const search = useSearch({ from: '/_app/jobs/$id' })
  const hash = useLocation({ select: (location) => location.hash })
  const navigate = useNavigate({ from: '/jobs/$id' })
  useTitle(job.name)
  const place = { ...search, line: lineOfHash(hash) ?? search.line }
  const onPlace = (change: LogPlace) => {
    const { line, ...rest } = { ...place, ...change }
    void navigate({
      search: { ...rest, line: undefined },
      hash: line === undefined ? '' : `L${line}`,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    })
  }
  return (
    <>
      <Head job={job} />
      <p aria-live="polite" className="sr-only">
        {states[job.state].label}
      </p>
      <OutcomeNote job={job} />
      <div className="grid min-h-0 gap-4 xl:flex-1 xl:grid-cols-[minmax(0,1fr)_21rem] xl:grid-rows-[minmax(0,1fr)]">
        <LogView job={job} attempts={attempts} place={place} onPlace={onPlace} />
        <aside aria-label="About this job" tabIndex={0} className="flex flex-col gap-4 rounded-lg xl:overflow-y-auto">
          {job.message && <JobMessage message={job.message} />}
          {job.tests && <JobTests job={job} tests={job.tests} />}
          <HostResults job={job} attempts={attempts} />
          <JobTimeline job={job} attempts={attempts} />
          <LimitHints job={job} />
          <JobFacts job={job} />
        </aside>
      </div>
    </>
  )
}

function Head({ job }: { job: Job }) {
  const command = visibleText(job.message ? job.name : commandText(job.command))
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/jobs" className="rounded hover:text-text">
            Jobs
          </Link>
          <span aria-hidden>/</span>
          {job.batch_id && (
            <>
              <Link
                to="/batches/$id"
                params={{ id: job.batch_id }}
                className="min-w-0 truncate rounded hover:text-text"
              >
                <BatchName id={job.batch_id} />
              </Link>
              <span aria-hidden>/</span>
            </>
          )}
          {job.pipeline_run_id && (
            <>
              <Link to="/runs/$id" params={{ id: job.pipeline_run_id }} className="rounded hover:text-text">
                Run {job.pipeline_run_id}
              </Link>
              <span aria-hidden>/</span>
            </>
          )}
          <span className="font-mono text-xs">{job.id}</span>
          <CopyButton text={job.id} label="Copy the id" />
        </nav>
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="max-w-full min-w-0 truncate text-xl font-semibold" dir="auto" title={visibleText(job.name)}>
            {visibleText(job.name)}
          </h1>
          <StateChip state={job.state} stopping={job.cancel_requested && !isEnded(job.state)} />
          <ExecutorChip job={job} />
        </div>
        {command !== visibleText(job.name) && (
          <p className="mt-0.5 truncate font-mono text-sm text-muted" title={command}>
            {command}
          </p>
        )}
      </div>
      <JobActions job={job} />
    </div>
  )
}

/** Its name; its id until that is known, or when it may not be read. */
function BatchName({ id }: { id: string }) {
  const { data } = useQuery({ ...batchQuery(id), staleTime: 60_000 })
  return data ? visibleText(data.name) : <span className="font-mono text-xs">{id}</span>
}

function NoSuchJob({ id }: { id: string }) {
  useTitle('No such job')
  return (
    <Empty page title="No such job">
      <p className="text-muted">
        There is no job <code className="font-mono break-all">{id}</code>, or it is not yours to see. It may have been
        deleted.
      </p>
      <Link to="/jobs" className={buttonLook()}>
        All jobs
      </Link>
    </Empty>
  )
}
