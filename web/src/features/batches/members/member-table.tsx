import { memo, useRef } from 'react'
import { Checkbox } from '../../../components/checkbox.tsx'
import type { Job } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { useBoxRows } from '../../../lib/use-box-rows.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { useMedia } from '../../../lib/use-media.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { MemberCells, memberGrid } from '../member-line.tsx'
import type { Selection } from './use-selection.ts'

interface MemberTableProps {
  members: readonly Job[]
  /** Null: this user may not change them. */
  selection: Selection | null
  onLog: (id: string) => void
  onSearch: () => void
}

const rowHeight = 36
const narrowRowHeight = 56

/** The rows that are on the screen, out of up to ten thousand. */
export function MemberTable({ members, selection, onLog, onSearch }: MemberTableProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const height = useMedia('(max-width: 639px)') ? narrowRowHeight : rowHeight
  const rows = useBoxRows(scroller, members.length, height)
  const active = useRef<string | null>(null)
  const step = (by: 1 | -1) => {
    const at = members.findIndex(({ id }) => id === active.current)
    const to = at < 0 ? rows.top() : Math.min(members.length - 1, Math.max(0, at + by))
    active.current = members[to]?.id ?? null
    rows.show(to)
    // The row may be drawn only after the scrolling.
    requestAnimationFrame(() => focusMember(scroller.current, active.current))
  }
  const onActive = (act: (id: string) => void) => () => active.current !== null && act(active.current)
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    l: onActive(onLog),
    x: onActive((id) => selection?.toggle(id)),
    '/': onSearch,
  })
  return (
    <div
      role="table"
      aria-label="Members"
      aria-rowcount={members.length}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div role="row" className="flex items-center border-b border-line text-xs text-muted">
        {selection && (
          <span role="columnheader" className="py-1.5 pl-3">
            <Checkbox
              label="Choose all that are shown"
              className="block"
              checked={selection.shown === 'all'}
              mixed={selection.shown === 'some'}
              onChange={selection.toggleShown}
            />
          </span>
        )}
        <div className={cn(memberGrid, 'hidden flex-1 px-3 py-1.5 sm:grid')}>
          <span role="columnheader">State</span>
          <span role="columnheader">Job</span>
          <span role="columnheader">What happened</span>
          <span role="columnheader" className="text-right">
            Run time
          </span>
          <span role="columnheader" className="sr-only">
            Log
          </span>
        </div>
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        onFocus={(event) => {
          const id = event.target.closest<HTMLElement>('[data-row]')?.dataset['row']
          if (id) active.current = id
        }}
        className="max-h-[max(24rem,calc(100dvh-7rem))] overflow-y-auto overscroll-contain"
      >
        <div className="relative w-full" style={{ height: members.length * height }}>
          {members.slice(rows.first, rows.end).map((job, offset) => {
            const index = rows.first + offset
            return (
              <MemberRow
                key={job.id}
                job={job}
                index={index}
                top={index * height}
                height={height}
                ticked={selection?.ids.has(job.id) ?? null}
                onTick={selection?.toggle}
                onLog={onLog}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

function focusMember(scroller: HTMLElement | null, id: string | null) {
  scroller?.querySelector<HTMLElement>(`[data-member="${id}"]`)?.focus({ preventScroll: true })
}

interface MemberRowProps {
  job: Job
  index: number
  top: number
  height: number
  ticked: boolean | null
  onTick: ((id: string) => void) | undefined
  onLog: (id: string) => void
}

/** Renders again only when this member, its place or its tick changed. */
const MemberRow = memo(function MemberRow({ job, index, top, height, ticked, onTick, onLog }: MemberRowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 1}
      data-row={job.id}
      className={cn(
        'absolute inset-x-0 top-0 flex items-center border-line [contain:strict]',
        index > 0 && 'border-t',
        ticked ? 'bg-accent-soft' : 'hover:bg-sunken',
      )}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      {ticked !== null && (
        <span role="cell" className="pl-3">
          <Checkbox
            label={`Choose ${visibleText(job.name)}`}
            className="block"
            checked={ticked}
            onChange={() => onTick?.(job.id)}
          />
        </span>
      )}
      <div className={cn(memberGrid, 'min-w-0 flex-1 px-3')}>
        <MemberCells job={job} onLog={onLog} cell />
      </div>
    </div>
  )
})
