import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Alert } from '../../../components/alert.tsx'
import { buttonLook } from '../../../components/button.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import { TimedText } from '../../../components/timed-text.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { isMissing } from '../../../lib/problem.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { runQuery } from '../queries.ts'
import { useLiveRun } from '../use-live-runs.ts'
import { endedOf, isRunOpen, runWords } from '../words.ts'
import { ApprovalBanner } from './approval-banner.tsx'
import { readLastError } from './last-error.ts'
import type { RunPlace, RunTab } from './place.ts'
import { RunDetails } from './run-details.tsx'
import { RunHead } from './run-head.tsx'
import { RunNumbers } from './run-numbers.tsx'
import { RunTasks } from './run-tasks.tsx'
import { taskTitle } from './task-text.ts'

export function RunPage() {
  const { id } = useParams({ from: '/_app/runs/$id' })
  const told = useLiveRun(id)
  const run = useQuery(runQuery(id, told))
  if (run.isPending) return <Loading label="Loading the run" />
  if (run.isError && isMissing(run.error)) return <NoSuchRun id={id} />
  if (!run.data) return <Failed error={run.error} retry={() => void run.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-3">
      {run.isError && <Failed error={run.error} retry={() => void run.refetch()} />}
      <Loaded key={id} run={run.data} told={told} />
    </div>
  )
}

function Loaded({ run, told }: { run: PipelineRun; told: boolean }) {
  const place = useSearch({ from: '/_app/runs/$id' })
  const navigate = useNavigate({ from: '/runs/$id' })
  const { label } = runWords(run.status)
  useTitle(
    run.status === 'running' ? `${endedOf(run.tasks)}/${run.tasks.total} ${run.pipeline}` : `${label}: ${run.pipeline}`,
  )
  const change = (part: RunPlace) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true, resetScroll: false })
  const openTask = ({ name, item }: Pick<PipelineTask, 'name' | 'item'>) =>
    change({ tab: undefined, task: name, item: item ?? undefined })
  return (
    <>
      <RunHead run={run} />
      <p aria-live="polite" className="sr-only">
        {label}
      </p>
      <Note run={run} onTask={openTask} />
      <ApprovalBanner run={run} onTask={openTask} />
      <RunNumbers run={run} state={place.state} onState={(state) => change({ state, tab: undefined })} />
      <Tabs<RunTab>
        label="About this run"
        value={place.tab ?? 'tasks'}
        onChange={(tab) => change({ tab: tab === 'tasks' ? undefined : tab })}
        tabs={[
          { key: 'tasks', label: 'Tasks' },
          { key: 'details', label: 'Variables and details' },
        ]}
      >
        {place.tab === 'details' ? (
          <RunDetails run={run} />
        ) : (
          <RunTasks run={run} told={told} place={place} onPlace={change} />
        )}
      </Tabs>
    </>
  )
}

/** The one sentence that matters now: why it waits, or why it did not end well. */
function Note({ run, onTask }: { run: PipelineRun; onTask: (task: Pick<PipelineTask, 'name' | 'item'>) => void }) {
  if (run.status === 'waiting' && run.waiting_reason) {
    return (
      <Alert kind="note">
        {run.position !== null && <span className="font-semibold">Place {run.position} on the waiting list. </span>}
        <TimedText text={visibleText(run.waiting_reason)} />
      </Alert>
    )
  }
  if (run.last_error && !isRunOpen(run)) {
    const { task, text } = readLastError(run.last_error)
    return (
      <Alert kind={run.status === 'failed' ? 'error' : 'note'}>
        {task && (
          <>
            Task{' '}
            <button
              type="button"
              aria-haspopup="dialog"
              onClick={() => onTask(task)}
              className="rounded font-semibold underline underline-offset-2"
            >
              {taskTitle(task)}
            </button>
            :{' '}
          </>
        )}
        {text}
      </Alert>
    )
  }
  return null
}

function NoSuchRun({ id }: { id: string }) {
  useTitle('No such run')
  return (
    <Empty page title="No such run">
      <p className="text-muted">
        There is no run <code className="font-mono break-all">{id}</code>, or it is not yours to see. It may have been
        deleted.
      </p>
      <Link to="/pipelines" className={buttonLook()}>
        All pipelines
      </Link>
    </Empty>
  )
}
