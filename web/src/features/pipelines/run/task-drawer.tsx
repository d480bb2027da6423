import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useId, useState, type ReactNode } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook, IconButton } from '../../../components/button.tsx'
import { Modal } from '../../../components/modal.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { attemptsQuery, jobQuery } from '../../jobs/queries.ts'
import { useLiveJob } from '../../jobs/use-live-jobs.ts'
import type { LogPlace } from '../../logs/log-place.ts'
import { LogView } from '../../logs/log-view.tsx'
import { TaskChip } from '../task-chip.tsx'
import { isTaskEnded, taskKey, taskStates } from '../words.ts'
import { ApprovalBox } from './approval-box.tsx'
import { TaskFacts } from './task-facts.tsx'
import { isForgiven, noteOf, taskTitle, valueText } from './task-text.ts'
import { CancelTask } from './cancel-task.tsx'
import { useMayChange } from './cancel-run.tsx'

interface TaskDrawerProps {
  run: PipelineRun
  task: PipelineTask
  /** The list that it was opened from, to go on to its neighbours. */
  order: readonly PipelineTask[]
  instances: readonly PipelineTask[]
  onGo: (task: PipelineTask) => void
  onClose: () => void
}

/** A task beside the list that it is in: its log, and all that is known of it. */
export default function TaskDrawer({ run, task, order, instances, onGo, onClose }: TaskDrawerProps) {
  const titleId = useId()
  const [cancelling, setCancelling] = useState(false)
  const mayChange = useMayChange(run)
  const at = order.findIndex((one) => taskKey(one) === taskKey(task))
  const go = (step: number) => {
    const next = order[at + step]
    if (next) onGo(next)
  }
  const value = task.item === null ? '' : valueText(task.value)
  return (
    <Modal
      role="dialog"
      place="right"
      titleId={titleId}
      onClose={onClose}
      className="w-[min(84rem,100vw)] sm:w-[min(84rem,94vw)]"
    >
      <div className="flex items-start gap-2">
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">
          <h2 id={titleId} className="max-w-full min-w-0 truncate text-lg font-semibold" dir="auto">
            {taskTitle(task)}
          </h2>
          <TaskChip state={task.state} forgiven={isForgiven(task)} />
          {value !== '' && <span className="min-w-0 truncate font-mono text-sm text-muted">{value}</span>}
        </div>
        {mayChange && !isTaskEnded(task.state) && task.kind !== 'on_error' && run.status === 'running' && (
          <Button kind="danger" onClick={() => setCancelling(true)}>
            Cancel
          </Button>
        )}
        <IconButton label="Task before" disabled={at <= 0} onClick={() => go(-1)}>
          <ArrowUp aria-hidden className="size-4" />
        </IconButton>
        <IconButton label="Next task" disabled={at < 0 || at >= order.length - 1} onClick={() => go(1)}>
          <ArrowDown aria-hidden className="size-4" />
        </IconButton>
        <IconButton label="Close" data-autofocus onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {cancelling && <CancelTask run={run} task={task} onClose={() => setCancelling(false)} />}
      <div
        key={taskKey(task)}
        className="grid min-h-0 gap-4 [--log-height:max(14rem,calc(100dvh-17rem))] xl:flex-1 xl:grid-cols-[minmax(0,1fr)_22rem] xl:grid-rows-[minmax(0,1fr)]"
      >
        <div className="flex min-h-0 min-w-0 flex-col gap-3">
          <Main run={run} task={task} instances={instances} onGo={onGo} />
        </div>
        <TaskFacts run={run} task={task} />
      </div>
    </Modal>
  )
}

type MainProps = Pick<TaskDrawerProps, 'run' | 'task' | 'instances' | 'onGo'>

function Main({ run, task, instances, onGo }: MainProps) {
  const note = noteOf(task)
  return (
    <>
      {task.kind === 'approval' && <ApprovalBox run={run} task={task} />}
      {note !== '' && task.kind !== 'approval' && (
        <Alert kind={task.state === 'failed' ? 'error' : 'note'}>{note}</Alert>
      )}
      {task.job_id ? (
        <TaskLog id={task.job_id} />
      ) : task.child_run ? (
        <Middle>
          This task runs another pipeline.
          <Link to="/runs/$id" params={{ id: task.child_run }} className={buttonLook()}>
            Open its run
          </Link>
        </Middle>
      ) : instances.length > 0 ? (
        <Instances instances={instances} onGo={onGo} />
      ) : (
        task.kind !== 'approval' && <Middle>{whyNoLog(run, task)}</Middle>
      )}
    </>
  )
}

function whyNoLog(run: PipelineRun, { kind, state }: PipelineTask): string {
  if (kind === 'pipeline' && state === 'running') return 'The run of its pipeline is about to start.'
  if (state === 'waiting' && run.status === 'waiting') return 'The run has not begun: there is no log yet.'
  return `${taskStates[state].meaning}: there is no log.`
}

function Middle({ children }: { children: ReactNode }) {
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-3 rounded-lg border border-dashed border-line p-8 text-muted">
      {children}
    </div>
  )
}

/** A list for a look; all of them are in the table below the task. */
const mostInstances = 200

function Instances({ instances, onGo }: Pick<TaskDrawerProps, 'instances' | 'onGo'>) {
  return (
    <ul aria-label="Instances" className="overflow-y-auto rounded-lg border border-line bg-surface">
      {instances.slice(0, mostInstances).map((one) => (
        <li key={one.item} className="flex items-center gap-3 border-t border-line px-3 py-1 first:border-t-0">
          <TaskChip state={one.state} forgiven={isForgiven(one)} />
          <button
            type="button"
            className="max-w-[60%] shrink-0 truncate rounded font-medium hover:text-accent"
            onClick={() => onGo(one)}
          >
            {taskTitle(one)}
          </button>
          <span className="min-w-0 truncate font-mono text-xs text-muted">{valueText(one.value)}</span>
        </li>
      ))}
    </ul>
  )
}

/** The log of its job, live. */
function TaskLog({ id }: { id: string }) {
  const job = useQuery(jobQuery(id))
  const attempts = useQuery(attemptsQuery(id)).data ?? []
  const [place, setPlace] = useState<LogPlace>({})
  useLiveJob(id)
  if (job.isPending) return <Loading label="Loading the log" />
  if (job.isError) return <Failed error={job.error} retry={() => void job.refetch()} />
  return (
    <div className="flex min-h-80 flex-1 flex-col *:flex-1">
      <LogView
        job={job.data}
        attempts={attempts}
        place={place}
        onPlace={(change) => setPlace((old) => ({ ...old, ...change }))}
      />
    </div>
  )
}
