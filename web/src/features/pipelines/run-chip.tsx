import { Hand } from 'lucide-react'
import type { PipelineRun } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { StatusChip } from '../batches/batch-chip.tsx'
import { isRunOpen, runWords } from './words.ts'

type ShownRun = Pick<PipelineRun, 'status' | 'cancel_requested' | 'tasks'>

export function RunChip({ run, large }: { run: ShownRun; large?: boolean }) {
  const { label, tone } = runWords(run.status)
  const stopping = run.cancel_requested && isRunOpen(run)
  if (run.status === 'running' && !stopping && run.tasks.approval > 0) return <ToApprove large={large} />
  return <StatusChip status={tone} text={stopping ? 'Stopping' : label} large={large} />
}

/** It goes on only once somebody has decided: that is told before what else it does. */
function ToApprove({ large }: { large?: boolean }) {
  return (
    <span
      title="Waits for somebody to approve or reject"
      className={cn(
        'inline-flex items-center gap-1.5 rounded-full bg-accent-soft font-semibold whitespace-nowrap text-accent',
        large ? 'h-7 px-2.5 text-sm' : 'h-6 px-2 text-xs',
      )}
    >
      <Hand aria-hidden strokeWidth={2.4} className="size-3.5" />
      To approve
    </span>
  )
}
