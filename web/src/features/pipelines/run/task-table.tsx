import { ChevronRight } from 'lucide-react'
import { memo, useRef } from 'react'
import { IconButton } from '../../../components/button.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { useBoxRows } from '../../../lib/use-box-rows.ts'
import { useKeys } from '../../../lib/use-keys.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { TaskChip, TaskIcon } from '../task-chip.tsx'
import { Elapsed } from '../times.tsx'
import { countStates, endedOf, taskKey } from '../words.ts'
import { isForgiven, noteOf, taskTitle, valueText } from './task-text.ts'
import { TimeBar } from './time-bar.tsx'
import type { VisibleRow } from './visible-rows.ts'
import type { WorkTime } from './work-time.ts'

interface TaskTableProps {
  run: PipelineRun
  work: WorkTime
  rows: readonly VisibleRow[]
  /** Names of the tasks whose instances are listed. */
  opened: ReadonlySet<string>
  onToggle: (name: string) => void
  onOpen: (task: PipelineTask) => void
  onSearch: () => void
}

const rowHeight = 36
const grid =
  'grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 sm:grid-cols-[8.5rem_minmax(0,1fr)_minmax(0,1fr)_5rem] lg:grid-cols-[8.5rem_minmax(0,1.1fr)_minmax(0,1.1fr)_5rem_minmax(0,1fr)]'

/** The rows that are on the screen, out of up to ten thousand: the graph in words. */
export function TaskTable({ run, work, rows, opened, onToggle, onOpen, onSearch }: TaskTableProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const box = useBoxRows(scroller, rows.length, rowHeight)
  const active = useRef<string | null>(null)
  const step = (by: 1 | -1) => {
    const at = rows.findIndex(({ task }) => taskKey(task) === active.current)
    const to = at < 0 ? box.top() : Math.min(rows.length - 1, Math.max(0, at + by))
    active.current = rows[to] ? taskKey(rows[to].task) : null
    box.show(to)
    // The row may be drawn only after the scrolling.
    requestAnimationFrame(() => {
      const buttons = scroller.current?.querySelectorAll<HTMLElement>('[data-task]') ?? []
      ;[...buttons].find(({ dataset }) => dataset['task'] === active.current)?.focus({ preventScroll: true })
    })
  }
  useKeys({ j: () => step(1), k: () => step(-1), '/': onSearch })
  return (
    <div
      role="table"
      aria-label="Tasks"
      aria-rowcount={rows.length}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div role="row" className={cn(grid, 'border-b border-line px-3 py-1.5 text-xs text-muted')}>
        <span role="columnheader" className="hidden sm:block">
          State
        </span>
        <span role="columnheader">Task</span>
        <span role="columnheader" className="hidden sm:block">
          What happened
        </span>
        <span role="columnheader" className="text-right">
          Time
        </span>
        <span role="columnheader" className="hidden lg:block">
          When
        </span>
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        onFocus={(event) => {
          const key = event.target.closest<HTMLElement>('[data-row]')?.dataset['row']
          if (key !== undefined) active.current = key
        }}
        className="max-h-[max(20rem,calc(100dvh-9rem))] overflow-y-auto overscroll-contain"
      >
        <div className="relative w-full" style={{ height: rows.length * rowHeight }}>
          {rows.slice(box.first, box.end).map(({ task, instances }, offset) => (
            <Row
              key={taskKey(task)}
              run={run}
              work={work}
              task={task}
              instances={instances}
              index={box.first + offset}
              opened={opened.has(task.name)}
              onToggle={onToggle}
              onOpen={onOpen}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

interface RowProps {
  run: PipelineRun
  work: WorkTime
  task: PipelineTask
  instances: readonly PipelineTask[]
  index: number
  opened: boolean
  onToggle: (name: string) => void
  onOpen: (task: PipelineTask) => void
}

const Row = memo(function Row({ run, work, task, instances, index, opened, onToggle, onOpen }: RowProps) {
  const forgiven = isForgiven(task)
  const title = taskTitle(task)
  const value = task.item === null ? '' : valueText(task.value)
  const note = instances.length > 0 && !task.error ? instancesText(instances) : noteOf(task)
  return (
    <div
      role="row"
      aria-rowindex={index + 1}
      data-row={taskKey(task)}
      className={cn(
        grid,
        'absolute inset-x-0 top-0 border-line px-3 [contain:strict] hover:bg-sunken',
        index > 0 && 'border-t',
      )}
      style={{ height: rowHeight, transform: `translateY(${index * rowHeight}px)` }}
    >
      <span role="cell" className="hidden sm:block">
        <TaskChip state={task.state} forgiven={forgiven} />
      </span>
      <span role="cell" className={cn('flex min-w-0 items-center gap-1.5', task.item !== null && 'pl-6')}>
        <span className="flex sm:hidden">
          <TaskIcon state={task.state} forgiven={forgiven} />
        </span>
        {instances.length > 0 && (
          <IconButton
            small
            className="-ml-1.5 shrink-0"
            label={`${opened ? 'Hide' : 'Show'} the instances of ${title}`}
            aria-expanded={opened}
            onClick={() => onToggle(task.name)}
          >
            <ChevronRight aria-hidden className={cn('size-4 transition-transform', opened && 'rotate-90')} />
          </IconButton>
        )}
        <button
          type="button"
          data-task={taskKey(task)}
          aria-haspopup="dialog"
          onClick={() => onOpen(task)}
          className={cn(
            'truncate rounded text-left font-medium hover:text-accent focus-visible:-outline-offset-1',
            task.item === null ? 'min-w-0' : 'max-w-[70%] shrink-0',
          )}
          dir="auto"
        >
          {title}
        </button>
        {value !== '' && (
          <span className="min-w-0 truncate font-mono text-xs text-muted" title={value}>
            {value}
          </span>
        )}
        {task.critical && (
          <span title="On the critical path" className="size-1.5 shrink-0 rounded-full bg-accent">
            <span className="sr-only">, on the critical path</span>
          </span>
        )}
      </span>
      <span
        role="cell"
        className={cn('hidden truncate text-sm sm:block', task.state === 'failed' ? 'text-failed' : 'text-muted')}
        title={note}
      >
        {note}
      </span>
      <span role="cell" className="text-right text-sm text-muted tabular-nums">
        <Elapsed of={task} none="" />
      </span>
      <span role="cell" className="hidden lg:block">
        <TimeBar run={run} task={task} work={work} />
      </span>
    </div>
  )
})

function instancesText(instances: readonly PipelineTask[]): string {
  const counts = countStates(instances)
  const parts = [`${endedOf(counts)} of ${counts.total} ended`, counts.failed > 0 && `${counts.failed} failed`]
  return visibleText(parts.filter(Boolean).join(', '))
}
