import { ArrowDown, ArrowUp, ChevronRight, Trash2 } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { IconButton } from '../../../components/button.tsx'
import { cn } from '../../../lib/cn.ts'

interface ItemCardProps {
  title: string
  /** What it comes down to, in one line. */
  summary: ReactNode
  /** Something in it is wrong. */
  wrong?: boolean
  off?: boolean
  openAtFirst?: boolean
  onRemove: () => void
  onMove?: (step: 1 | -1) => void
  /** Its place among the others: the ends go no further. */
  place?: 'first' | 'last' | 'between'
  children: ReactNode
}

/** One of several that are edited alike: a line that says what it is, and its fields below. */
export function ItemCard({
  title,
  summary,
  wrong,
  off,
  openAtFirst,
  onRemove,
  onMove,
  place,
  children,
}: ItemCardProps) {
  const [open, setOpen] = useState(openAtFirst ?? false)
  const body = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (openAtFirst) body.current?.querySelector<HTMLElement>('input, select')?.focus()
  }, [openAtFirst])
  return (
    <li className={cn('rounded-lg border bg-surface', wrong ? 'border-failed-fill/60' : 'border-line')}>
      <div className="flex items-center gap-1 py-1 pr-1.5 pl-1">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-w-0 flex-1 items-center gap-2 rounded-md px-2 py-1.5 text-left hover:bg-sunken"
        >
          <ChevronRight
            aria-hidden
            className={cn('size-4 shrink-0 text-muted transition-transform', open && 'rotate-90')}
          />
          <span className={cn('min-w-0 flex-1', off && 'opacity-60')}>
            <span className="block truncate text-sm font-semibold">{title || 'without a name'}</span>
            <span className="block truncate text-sm text-muted">{summary}</span>
          </span>
          {off && <span className="text-xs text-muted">off</span>}
          {wrong && <span className="text-xs font-medium text-failed">to correct</span>}
        </button>
        {onMove && (
          <>
            <IconButton small disabled={place === 'first'} label={`Move ${title} up`} onClick={() => onMove(-1)}>
              <ArrowUp aria-hidden className="size-3.5" />
            </IconButton>
            <IconButton small disabled={place === 'last'} label={`Move ${title} down`} onClick={() => onMove(1)}>
              <ArrowDown aria-hidden className="size-3.5" />
            </IconButton>
          </>
        )}
        <IconButton small label={`Remove ${title}`} onClick={onRemove}>
          <Trash2 aria-hidden className="size-3.5" />
        </IconButton>
      </div>
      {open && (
        <div ref={body} className="flex flex-col gap-4 border-t border-line p-3 sm:p-4">
          {children}
        </div>
      )}
    </li>
  )
}

export const replaced = <T,>(list: readonly T[], index: number, change: Partial<T>): T[] =>
  list.map((one, i) => (i === index ? { ...one, ...change } : one))

export function moved<T>(list: readonly T[], index: number, step: 1 | -1): T[] {
  const to = index + step
  if (to < 0 || to >= list.length) return [...list]
  return list.with(index, list[to]!).with(to, list[index]!)
}

/** `nightly`, `nightly-2`, …: the first that is not taken. */
export function freeName(base: string, taken: readonly { name: string }[]): string {
  const names = new Set(taken.map(({ name }) => name))
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    if (!names.has(name)) return name
  }
}
