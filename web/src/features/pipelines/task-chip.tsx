import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleX,
  Hand,
  LoaderCircle,
  SkipForward,
  TriangleAlert,
  type LucideIcon,
} from 'lucide-react'
import type { SegmentKind } from '../../components/segmented-bar.tsx'
import { cn } from '../../lib/cn.ts'
import { taskStates, type TaskState } from './words.ts'

const icons: Record<TaskState, LucideIcon> = {
  waiting: CircleDashed,
  running: LoaderCircle,
  approval: Hand,
  done: CircleCheck,
  failed: CircleX,
  cancelled: Ban,
  skipped: SkipForward,
}
const chips: Record<SegmentKind, string> = {
  waiting: 'bg-waiting-soft text-waiting',
  running: 'bg-running-soft text-running',
  approval: 'bg-accent-soft text-accent',
  passed: 'bg-passed-soft text-passed',
  failed: 'bg-failed-soft text-failed',
  cancelled: 'bg-waiting-soft text-waiting',
}
const texts: Record<SegmentKind, string> = {
  waiting: 'text-waiting',
  running: 'text-running',
  approval: 'text-accent',
  passed: 'text-passed',
  failed: 'text-failed',
  cancelled: 'text-waiting',
}

interface TaskStateProps {
  state: TaskState
  /** It was allowed to fail, and did. */
  forgiven?: boolean
  className?: string
}

export const forgivenLabel = 'Failed, allowed'

const spins = (state: TaskState) => state === 'running' && 'animate-spin [animation-duration:2.4s]'

/** The shape and the colour; the word is said to those who cannot see them. */
export function TaskIcon(props: TaskStateProps) {
  const Icon = props.forgiven ? TriangleAlert : icons[props.state]
  const { label, tone } = taskStates[props.state]
  return (
    <Icon
      role="img"
      aria-label={props.forgiven ? forgivenLabel : label}
      className={cn(
        'size-4 shrink-0',
        props.forgiven ? 'text-running' : texts[tone],
        spins(props.state),
        props.className,
      )}
    />
  )
}

/** A shape, a colour and a word, each enough by itself. */
export function TaskChip(props: TaskStateProps) {
  const Icon = props.forgiven ? TriangleAlert : icons[props.state]
  const { label, tone, meaning } = taskStates[props.state]
  return (
    <span
      title={meaning}
      className={cn(
        'inline-flex h-6 items-center gap-1.5 rounded-full px-2 text-xs font-semibold whitespace-nowrap',
        props.forgiven ? chips.running : chips[tone],
        props.className,
      )}
    >
      <Icon aria-hidden strokeWidth={2.4} className={cn('size-3.5', spins(props.state))} />
      {props.forgiven ? forgivenLabel : label}
    </span>
  )
}
