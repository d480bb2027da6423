import type { ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

/** A few words beside something small, on hover and on focus. Only for what is also said another way: it is not read out. */
export function Tooltip({
  text,
  side = 'right',
  children,
}: {
  text: ReactNode
  side?: 'right' | 'top'
  children: ReactNode
}) {
  return (
    <span className="group/tip relative flex">
      {children}
      <span
        aria-hidden
        className={cn(
          'pointer-events-none absolute z-50 hidden rounded-md border border-line bg-surface px-2 py-1 text-xs font-medium whitespace-nowrap text-text shadow-md',
          'group-focus-within/tip:block group-hover/tip:block',
          side === 'right' ? 'top-1/2 left-full ml-2 -translate-y-1/2' : 'bottom-full left-1/2 mb-1.5 -translate-x-1/2',
        )}
      >
        {text}
      </span>
    </span>
  )
}
