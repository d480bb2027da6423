import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import type { Job } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { useFocusAfter } from '../../lib/use-focus-after.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useMedia } from '../../lib/use-media.ts'
import { useSelection } from '../../lib/use-selection.ts'
import { useWindowRows } from '../../lib/use-window-rows.ts'
import { JobRow, rowGrid, rowHeights } from './job-row.tsx'

const BulkBar = lazyPart(() => import('./bulk-bar.tsx').then(({ BulkBar: component }) => ({ default: component })))

/** As many as are chosen with one click: twenty pages, and four calls of what is done with them. */
const mostChosen = 2_000

interface JobTableProps {
  jobs: readonly Job[]
  mayAct: boolean
  /** Missing: these are all. */
  more?: { read: () => void; reading: boolean }
}

/** The jobs that are loaded, of which only those on the screen are in the page; chosen and opened by keyboard too. */
export function JobTable({ jobs, mayAct, more }: JobTableProps) {
  const order = useMemo(() => jobs.map(({ id }) => id), [jobs])
  const selection = useSelection(order)
  const list = useRef<HTMLUListElement>(null)
  const wide = useMedia('(min-width: 40rem)')
  const height = wide ? rowHeights.wide : rowHeights.narrow
  const rows = useWindowRows(list, jobs.length, height)
  const { cursor, move } = useCursor(order, rows.show)
  const toggle = useRef(selection.toggle)
  toggle.current = selection.toggle
  const onChoose = useCallback((id: string, range: boolean) => toggle.current(id, range), [])
  const choose = (range: boolean) => cursor && mayAct && selection.toggle(cursor, range)
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => choose(false),
    X: () => choose(true),
    Escape: selection.clear,
  })
  const all = selection.chosen.size === jobs.length
  useFocusAfter('#main')
  const reading = useChooseAll(order, selection.set, more)
  return (
    <>
      <div className="overflow-clip rounded-lg border border-line bg-surface">
        <div className="sticky top-12 z-10 hidden border-b border-line bg-surface py-1.5 text-xs text-muted sm:flex lg:top-0">
          {mayAct && (
            <label className="flex items-center pl-4">
              <Checkbox
                label="Choose all that are loaded"
                checked={all}
                mixed={!all && selection.chosen.size > 0}
                onChange={() => (all ? selection.clear() : selection.set(order))}
              />
            </label>
          )}
          <div aria-hidden className={cn(rowGrid, 'min-w-0 flex-1 px-3 sm:pr-4')}>
            <span>State</span>
            <span>Job</span>
            <span className="hidden xl:block">Queue</span>
            <span className="hidden xl:block">Owner</span>
            <span className="hidden 2xl:block">Runner</span>
            <span className="text-right">Run time</span>
            <span className="text-right">Created</span>
          </div>
        </div>
        <ul
          ref={list}
          data-job-list
          aria-label="Jobs, newest first"
          tabIndex={-1}
          className="relative -mt-px outline-none"
          style={{ height: jobs.length * height }}
        >
          {jobs.slice(rows.first, rows.end).map((job, offset) => {
            const index = rows.first + offset
            return (
              <li
                key={job.id}
                aria-setsize={jobs.length}
                aria-posinset={index + 1}
                className="absolute inset-x-0"
                style={{ height, top: index * height }}
              >
                <JobRow
                  job={job}
                  chosen={mayAct ? selection.chosen.has(job.id) : null}
                  current={cursor === job.id}
                  onChoose={onChoose}
                />
              </li>
            )
          })}
        </ul>
      </div>
      {selection.chosen.size > 0 && (
        <Suspense>
          <BulkBar jobs={jobs.filter(({ id }) => selection.chosen.has(id))} onClear={selection.clear}>
            {reading.wanted && (
              <Button size="small" onClick={reading.stop}>
                Stop reading: {jobs.length.toLocaleString()} so far
              </Button>
            )}
            {!reading.wanted && all && more && jobs.length < mostChosen && (
              <Button size="small" onClick={reading.start} title={`The newest ${mostChosen.toLocaleString()} at most`}>
                Choose all that match
              </Button>
            )}
          </BulkBar>
        </Suspense>
      )}
    </>
  )
}

/** Reads on page by page until all that match are there, or as many as one may choose, and chooses them. */
function useChooseAll(order: readonly string[], set: (ids: Iterable<string>) => void, more: JobTableProps['more']) {
  const [wanted, setWanted] = useState(false)
  const latest = useRef({ order, set, more })
  latest.current = { order, set, more }
  const { reading = false } = more ?? {}
  useEffect(() => {
    if (!wanted || reading) return
    const now = latest.current
    if (now.more && order.length < mostChosen) return now.more.read()
    now.set(now.order.slice(0, mostChosen))
    setWanted(false)
  }, [wanted, reading, order.length])
  return { wanted, start: () => setWanted(true), stop: () => setWanted(false) }
}

/** Where the keyboard is; remembered by place when its job leaves the list. */
function useCursor(order: readonly string[], show: (index: number) => void) {
  const [cursor, setCursor] = useState<string | null>(null)
  const move = (step: 1 | -1) => {
    const focused = document.activeElement?.closest('[data-job-row]')?.getAttribute('data-job-row') ?? cursor
    const at = focused === null ? -1 : order.indexOf(focused)
    const next = at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + step))
    const id = order[next]
    if (id === undefined) return
    show(next)
    setCursor(id)
  }
  return { cursor, move }
}
