import { cn } from '../lib/cn.ts'

interface MeterProps {
  label: string
  value: number
  max: number
  className?: string
}

/** How much of something is in use: `3 of 8` and a bar. */
export function Meter({ label, value, max, className }: MeterProps) {
  const share = max > 0 ? Math.min(1, value / max) : 0
  return (
    <span className={cn('inline-flex items-center gap-2', className)}>
      <span
        role="meter"
        aria-label={label}
        aria-valuenow={value}
        aria-valuemin={0}
        aria-valuemax={max}
        className="h-2 w-24 overflow-hidden rounded-full bg-line"
      >
        <span
          className={cn('block h-full origin-left rounded-full', share >= 1 ? 'bg-running-fill' : 'bg-accent')}
          style={{ width: `${share * 100}%` }}
        />
      </span>
      <span className="text-sm text-muted tabular-nums">
        {value} of {max}
      </span>
    </span>
  )
}
