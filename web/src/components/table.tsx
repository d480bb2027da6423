import type { ComponentProps, ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

/**
 * A dense table in a frame: its head stays in sight while the page scrolls, and on a narrow screen it scrolls sideways by
 * itself. `label` is what it is a table of.
 */
export function Table({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    <div
      role="region"
      aria-label={label}
      tabIndex={0}
      className={cn('overflow-x-auto rounded-lg border border-line bg-surface lg:overflow-x-clip', className)}
    >
      <table aria-label={label} className="w-full text-sm whitespace-nowrap">
        {children}
      </table>
    </div>
  )
}

/** The row of headings. */
export function TableHead({ children }: { children: ReactNode }) {
  return (
    <thead className="sticky top-0 z-10 bg-surface text-left text-xs text-muted shadow-[inset_0_-1px_var(--line)]">
      <tr>{children}</tr>
    </thead>
  )
}

interface CellProps extends Omit<ComponentProps<'td'>, 'align'> {
  /** Numbers stand at the right, their digits under each other. */
  number?: boolean
  muted?: boolean
}

const cellLook = ({ number, muted, className }: CellProps) =>
  cn('px-3 py-1.5', number && 'text-right tabular-nums', muted && 'text-muted', className)

export function Th({ number, muted, className, ...rest }: CellProps) {
  return <th scope="col" {...rest} className={cellLook({ number, muted, className: cn('font-normal', className) })} />
}

export function Td({ number, muted, className, ...rest }: CellProps) {
  return <td {...rest} className={cellLook({ number, muted, className })} />
}

export function Tr({ selected, className, ...rest }: ComponentProps<'tr'> & { selected?: boolean }) {
  return (
    <tr
      {...rest}
      className={cn(
        'border-t border-line first:border-t-0',
        selected ? 'bg-accent-soft' : 'hover:bg-sunken/60',
        className,
      )}
    />
  )
}
