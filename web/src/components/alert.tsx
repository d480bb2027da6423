import { CircleAlert, Info } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

interface AlertProps {
  kind?: 'error' | 'note'
  title?: string
  children: ReactNode
  action?: ReactNode
  className?: string
}

/** A message that stays until its cause is gone; an error is read out at once. */
export function Alert({ kind = 'error', title, children, action, className }: AlertProps) {
  const Icon = kind === 'error' ? CircleAlert : Info
  return (
    <div
      role={kind === 'error' ? 'alert' : 'status'}
      className={cn(
        'flex items-start gap-2.5 rounded-md border px-3 py-2 text-sm',
        kind === 'error' ? 'border-failed-fill/40 bg-failed-soft text-failed' : 'border-line bg-sunken text-text',
        className,
      )}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 break-words">
        {title && <p className="font-semibold">{title}</p>}
        {children}
      </div>
      {action}
    </div>
  )
}
