import type { ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

interface CardProps {
  title: string
  /** At the right of the title: a link to more, a button. */
  action?: ReactNode
  className?: string
  children: ReactNode
}

export function Card({ title, action, className, children }: CardProps) {
  return (
    <section
      aria-label={title}
      className={cn('flex min-w-0 flex-col gap-4 rounded-lg border border-line bg-surface p-4', className)}
    >
      <div className="flex items-center justify-between gap-3">
        <h2 className="text-sm font-semibold text-muted">{title}</h2>
        {action}
      </div>
      {children}
    </section>
  )
}
