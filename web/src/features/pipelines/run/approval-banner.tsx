import { useQuery } from '@tanstack/react-query'
import { Hand } from 'lucide-react'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { useMe } from '../../session/session.ts'
import { tasksQuery } from '../queries.ts'
import { DecideButtons } from './decide-buttons.tsx'
import { taskTitle } from './task-text.ts'

/** More are in the table. */
const mostAsked = 3

const asking = (tasks: PipelineTask[]) => tasks.filter(({ state }) => state === 'approval')

interface ApprovalBannerProps {
  run: PipelineRun
  onTask: (task: PipelineTask) => void
}

/** What the run asks somebody right now, and where it is answered. */
export function ApprovalBanner({ run, onTask }: ApprovalBannerProps) {
  const me = useMe()
  const asked = run.status === 'running' && run.tasks.approval > 0
  const tasks = useQuery({ ...tasksQuery(run.id, false), select: asking, enabled: asked }).data ?? []
  if (!asked || tasks.length === 0) return null
  return (
    <ul
      aria-label="To approve"
      className="flex flex-col gap-2 rounded-lg border border-accent bg-accent-soft px-4 py-3"
    >
      {tasks.slice(0, mostAsked).map((task) => (
        <li key={`${task.name} ${task.item}`} className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Hand aria-hidden className="size-4 shrink-0 text-accent" />
          <p className="min-w-0 flex-1 basis-52 break-words">
            <span className="font-semibold">{visibleText(task.approval?.message ?? 'Approve or reject?')}</span>{' '}
            <button
              type="button"
              aria-haspopup="dialog"
              onClick={() => onTask(task)}
              className="rounded text-sm text-accent underline underline-offset-2"
            >
              {taskTitle(task)}
            </button>
          </p>
          {me?.role !== 'viewer' && <DecideButtons run={run} task={task} />}
        </li>
      ))}
      {tasks.length > mostAsked && <li className="text-sm">{tasks.length - mostAsked} more wait for an answer.</li>}
    </ul>
  )
}
