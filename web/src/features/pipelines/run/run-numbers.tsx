import { useQuery } from '@tanstack/react-query'
import { SegmentedBar, segmentFills } from '../../../components/segmented-bar.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { count } from '../../batches/count-words.tsx'
import { tasksQuery } from '../queries.ts'
import { Elapsed } from '../times.tsx'
import { barParts, countStates, endedOf, isRunOpen, taskStates, type TaskState } from '../words.ts'

interface RunNumbersProps {
  run: PipelineRun
  state: TaskState | undefined
  onState: (state: TaskState | undefined) => void
}

const countInstances = (tasks: PipelineTask[]) => countStates(tasks.filter(({ item }) => item !== null))

/** The run at a glance; a number narrows the table to its tasks. */
export function RunNumbers({ run, state, onState }: RunNumbersProps) {
  const { tasks } = run
  const instances = useQuery({ ...tasksQuery(run.id, false), enabled: false, select: countInstances }).data
  return (
    <section aria-label="Progress" className="flex flex-col gap-2 rounded-lg border border-line bg-surface px-4 py-3">
      <SegmentedBar parts={barParts(tasks)} label="Tasks" className="h-3 rounded-sm" />
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 text-sm tabular-nums">
        <span className="-ml-1.5 flex flex-wrap gap-x-1">
          {(Object.keys(taskStates) as TaskState[])
            .filter((one) => tasks[one] > 0 || one === state)
            .map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === state}
                title={taskStates[one].meaning}
                onClick={() => onState(one === state ? undefined : one)}
                className={cn(
                  'flex h-7 items-center gap-1.5 rounded-md px-1.5 hover:bg-sunken',
                  one === state && 'bg-accent-soft text-accent',
                )}
              >
                <span aria-hidden className={cn('size-2 rounded-[2px]', segmentFills[taskStates[one].tone])} />
                <span className={cn('font-semibold', one === 'failed' && 'text-failed')}>
                  {count.format(tasks[one])}
                </span>
                <span className={cn(one !== state && 'text-muted')}>
                  {one === 'approval' ? 'to approve' : taskStates[one].label.toLowerCase()}
                </span>
              </button>
            ))}
        </span>
        <span className="text-muted">
          {count.format(endedOf(tasks))} of {count.format(tasks.total)} tasks ended
          {instances && instances.total > 0 && (
            <span title="Of the tasks that run once for each item">
              {' · '}
              {count.format(endedOf(instances))} of {count.format(instances.total)} instances
              {instances.failed > 0 && <span className="text-failed">, {count.format(instances.failed)} failed</span>}
            </span>
          )}
          {run.started_at && (
            <>
              {' · '}
              {isRunOpen(run) ? 'runs for' : 'took'}{' '}
              <span className="font-medium text-text">
                <Elapsed of={run} />
              </span>
            </>
          )}
        </span>
      </div>
    </section>
  )
}
