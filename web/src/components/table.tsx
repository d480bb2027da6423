import type { ComponentProps, ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

/**
 * A dense table in a frame: its head stays in sight while the page scrolls, and on a narrow screen it scrolls sideways by
 * itself, with a shadow where there is more. `label` is what it is a table of. It holds what is positioned in it: text for
 * screen readers would else stand outside the frame and widen the page. `wide`: of so many columns that it may scroll on any
 * screen, for which its head gives up staying in sight.
 */
export function Table({ label, children, wide }: { label: string; children: ReactNode; wide?: boolean }) {
  return (
    <div
      role="region"
      aria-label={label}
      tabIndex={0}
      className={cn(
        'edge-shadow relative overflow-x-auto rounded-lg border border-line bg-surface',
        !wide && 'lg:overflow-clip',
      )}
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
  cn('px-2 py-1.5 sm:px-3', number && 'text-right tabular-nums', muted && 'text-muted', className)

export function Th({ number, muted, className, ...rest }: CellProps) {
  return <th scope="col" {...rest} className={cellLook({ number, muted, className: cn('font-normal', className) })} />
}

export function Td({ number, muted, className, ...rest }: CellProps) {
  return <td {...rest} className={cellLook({ number, muted, className })} />
}

const acts = 'max-lg:sticky max-lg:right-0 max-lg:bg-surface max-lg:px-1.5 max-lg:shadow-[inset_1px_0_var(--line)]'

/** The heading of a column of buttons. */
export function ActsTh() {
  return (
    <Th className={acts}>
      <span className="sr-only">Actions</span>
    </Th>
  )
}

/** Buttons of a row, the last column: on a narrow screen they stay in sight while the rest scrolls beneath. */
export function ActsTd({ children }: { children: ReactNode }) {
  return (
    <Td className={cn('w-0 py-0.5', acts)}>
      <div className="flex items-center justify-end gap-0.5">{children}</div>
    </Td>
  )
}

/** What a row is about, cut on a narrow screen so that the next columns are seen; its title is the whole. */
export const nameCell = 'max-w-32 truncate sm:max-w-64 lg:max-w-96'

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
