import { segmentFills } from '../../../components/segmented-bar.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { useRunningNow } from '../../../lib/use-running-now.ts'
import { toneOf } from './task-text.ts'
import type { WorkTime } from './work-time.ts'

interface TimeBarProps {
  run: PipelineRun
  task: PipelineTask
  work: WorkTime
}

/** When within the work of its run a task ran, as a bar; those on the critical path are thicker. */
export function TimeBar({ run, task, work }: TimeBarProps) {
  const open = run.started_at !== null && run.ended_at === null
  const now = useRunningNow(open ? 1000 : 0)
  if (run.started_at === null || task.started_at === null) return null
  const begin = work(Date.parse(run.started_at))
  const whole = Math.max(1, work(run.ended_at ? Date.parse(run.ended_at) : now) - begin)
  const share = (ms: number) => Math.min(100, Math.max(0, ((work(ms) - begin) / whole) * 100))
  const left = share(Date.parse(task.started_at))
  const right = share(task.ended_at ? Date.parse(task.ended_at) : now)
  return (
    <span aria-hidden className="relative block h-4 w-full">
      <span className="absolute inset-x-0 top-1/2 border-t border-line" />
      <span
        className={cn(
          'absolute top-1/2 min-w-0.5 -translate-y-1/2 rounded-[2px]',
          task.critical ? 'h-3' : 'h-1.5',
          segmentFills[toneOf(task)],
        )}
        style={{ left: `min(${left}%, calc(100% - 2px))`, width: `${Math.max(0, right - left)}%` }}
      />
    </span>
  )
}
