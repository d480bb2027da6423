import { Ban, CircleCheck, CircleDashed, CircleX, LoaderCircle, type LucideIcon } from 'lucide-react'
import type { Batch, StatusWord } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { labelOf } from './filters.ts'
import { isOpen } from './progress.ts'

const icons: Record<StatusWord, LucideIcon> = {
  waiting: CircleDashed,
  running: LoaderCircle,
  passed: CircleCheck,
  failed: CircleX,
  cancelled: Ban,
}
const chipColours: Record<StatusWord, string> = {
  waiting: 'bg-waiting-soft text-waiting',
  running: 'bg-running-soft text-running',
  passed: 'bg-passed-soft text-passed',
  failed: 'bg-failed-soft text-failed',
  cancelled: 'bg-waiting-soft text-waiting',
}

/** A shape, a colour and a word, each enough by itself. */
export function StatusChip({ status, text, large }: { status: StatusWord; text?: string; large?: boolean }) {
  const Icon = icons[status]
  return (
    <span
      className={cn(
        'inline-flex items-center gap-1.5 rounded-full font-semibold whitespace-nowrap',
        large ? 'h-7 px-2.5 text-sm' : 'h-6 px-2 text-xs',
        chipColours[status],
      )}
    >
      <Icon
        aria-hidden
        strokeWidth={2.4}
        className={cn('size-3.5', status === 'running' && 'animate-spin [animation-duration:2.4s]')}
      />
      {text ?? labelOf(status)}
    </span>
  )
}

export function BatchChip({ batch, large }: { batch: Batch; large?: boolean }) {
  const stopping = batch.cancel_requested && isOpen(batch)
  return <StatusChip status={batch.status} text={stopping ? 'Stopping' : undefined} large={large} />
}
