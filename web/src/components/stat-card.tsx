import type { ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

interface StatCardProps {
  label: string
  /** Null while it is not known. */
  value: ReactNode
  /** Class of the mark's colour. */
  fill?: string
  hint?: ReactNode
  /** Read across the room. */
  large?: boolean
  className?: string
}

/** One number and what it is. Its place is there before the number is. */
export function StatCard({ label, value, fill, hint, large, className }: StatCardProps) {
  return (
    <div className={cn('flex min-w-0 flex-col gap-0.5', className)}>
      <span className="flex items-center gap-1.5 text-xs text-muted">
        {fill && <span aria-hidden className={cn('size-2 shrink-0 rounded-[2px]', fill)} />}
        <span className="truncate">{label}</span>
      </span>
      <span className={cn('font-semibold tabular-nums', large ? 'text-3xl leading-10' : 'text-xl')}>
        {value ?? <span className="text-muted">–</span>}
      </span>
      {hint && <span className="truncate text-xs text-muted">{hint}</span>}
    </div>
  )
}
