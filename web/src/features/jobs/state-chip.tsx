import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleHelp,
  CircleX,
  Clock,
  LoaderCircle,
  Lock,
  MemoryStick,
  SkipForward,
  TimerOff,
  Unplug,
  type LucideIcon,
} from 'lucide-react'
import { cn } from '../../lib/cn.ts'
import { states, type JobState, type Tone } from './states.ts'

const icons: Record<JobState, LucideIcon> = {
  blocked: Lock,
  scheduled: Clock,
  queued: CircleDashed,
  leased: CircleDot,
  running: LoaderCircle,
  unknown: CircleHelp,
  succeeded: CircleCheck,
  failed: CircleX,
  timed_out: TimerOff,
  oom_killed: MemoryStick,
  cancelled: Ban,
  lost: Unplug,
  skipped: SkipForward,
}

const chipColours: Record<Tone, string> = {
  waiting: 'bg-waiting-soft text-waiting',
  running: 'bg-running-soft text-running',
  passed: 'bg-passed-soft text-passed',
  failed: 'bg-failed-soft text-failed',
  cancelled: 'bg-waiting-soft text-waiting',
}
const iconColours: Record<Tone, string> = {
  waiting: 'text-waiting',
  running: 'text-running',
  passed: 'text-passed',
  failed: 'text-failed',
  cancelled: 'text-waiting',
}

export function StateIcon({ state, className }: { state: JobState; className?: string }) {
  const Icon = icons[state]
  const { tone, label } = states[state]
  return (
    <Icon
      role="img"
      aria-label={label}
      className={cn(
        'size-4 shrink-0',
        iconColours[tone],
        state === 'running' && 'animate-spin [animation-duration:2.4s]',
        className,
      )}
    />
  )
}

/** A state at a glance: a shape, a colour and a word, each enough by itself. */
export function StateChip({ state, stopping, className }: { state: JobState; stopping?: boolean; className?: string }) {
  const Icon = icons[state]
  const { tone, label, meaning } = states[state]
  return (
    <span
      title={stopping ? 'Asked to stop' : meaning}
      className={cn(
        'inline-flex h-6 items-center gap-1.5 rounded-full px-2 text-xs font-semibold whitespace-nowrap',
        chipColours[tone],
        className,
      )}
    >
      <Icon
        aria-hidden
        className={cn('size-3.5', state === 'running' && 'animate-spin [animation-duration:2.4s]')}
        strokeWidth={2.4}
      />
      {stopping ? 'Stopping' : label}
    </span>
  )
}
