import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useDeferredValue, useMemo, useRef, useState } from 'react'
import { Button } from '../../../components/button.tsx'
import { FilterChips } from '../../../components/filter-chips.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { SearchBox } from '../../../components/search-box.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import type { GraphGroup, GraphTask } from '../graph/graph-shape.ts'
import { tasksQuery } from '../queries.ts'
import { groupInstances, type TaskRow } from '../task-list.ts'
import { isRunOpen, taskStates } from '../words.ts'
import type { RunPlace } from './place.ts'
import { TaskTable } from './task-table.tsx'
import { visibleRows } from './visible-rows.ts'
import { workTime } from './work-time.ts'

// Not `lazyPart`: what draws graphs weighs as much as all the rest, and is fetched only where one is.
const GraphView = lazy(() => import('../graph/graph-view.tsx'))
const TaskDrawer = lazyPart(() => import('./task-drawer.tsx'))

/** Below this many tasks a search is more to read than the list. */
const searchFrom = 12

interface RunTasksProps {
  run: PipelineRun
  /** The server tells changes by itself. */
  told: boolean
  place: RunPlace
  onPlace: (change: RunPlace) => void
}

/** The tasks of a run as a graph and as a table, up to ten thousand, live. */
export function RunTasks({ run, told, place, onPlace }: RunTasksProps) {
  const list = useQuery(tasksQuery(run.id, !told && isRunOpen(run)))
  // Drawn when there is time: typing, scrolling and the numbers above go first.
  const tasks = useDeferredValue(list.data)
  if (list.isPending) return <Loading rows={5} label="Loading tasks" />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  return <Loaded run={run} tasks={tasks ?? list.data} place={place} onPlace={onPlace} />
}

type LoadedProps = Omit<RunTasksProps, 'told'> & { tasks: PipelineTask[] }

function Loaded({ run, tasks, place, onPlace }: LoadedProps) {
  const rows = useMemo(() => groupInstances(tasks), [tasks])
  const graph = useMemo(() => graphTasks(rows), [rows])
  const [group, setGroup] = useState<GraphGroup | null>(null)
  const [near, setNear] = useState<string | null>(null)
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  const search = useRef<HTMLInputElement>(null)
  const { q, state, task: openName, item } = place
  const work = useMemo(() => workTime(tasks), [tasks])
  const names = useMemo(() => group && new Set(group.tasks.map(({ name }) => name)), [group])
  const visible = useMemo(() => visibleRows(rows, { q, state, names }, opened), [rows, q, state, names, opened])
  const open = (task: Pick<PipelineTask, 'name' | 'item'>) => {
    setNear(task.name)
    onPlace({ task: task.name, item: task.item ?? undefined })
  }
  const toggle = (name: string) =>
    setOpened((old) => (old.has(name) ? new Set([...old].filter((one) => one !== name)) : new Set([...old, name])))
  const shown =
    openName === undefined ? undefined : tasks.find((one) => one.name === openName && one.item === (item ?? null))
  const clear = () => {
    setGroup(null)
    onPlace({ q: undefined, state: undefined })
  }
  const chips = [
    q !== undefined && { key: 'q', name: 'Name', value: q, onRemove: () => onPlace({ q: undefined }) },
    state && {
      key: 'state',
      name: 'State',
      value: taskStates[state].label,
      onRemove: () => onPlace({ state: undefined }),
    },
    group && { key: 'group', name: 'Group', value: visibleText(group.label), onRemove: () => setGroup(null) },
  ].filter((chip) => typeof chip === 'object' && chip !== null)
  return (
    <div className="flex flex-col gap-3">
      {rows.length > 1 && (
        <Suspense fallback={<div className="h-80 rounded-lg border border-line bg-sunken" />}>
          <GraphView
            tasks={graph}
            near={near}
            onNear={setNear}
            chosen={openName ?? null}
            onTask={(name) => open({ name, item: null })}
            onGroup={setGroup}
          />
        </Suspense>
      )}
      {rows.length >= searchFrom && (
        <div className="flex">
          <SearchBox
            label="Search tasks by name"
            placeholder="Search by name  ( / )"
            value={q ?? ''}
            onSearch={(text) => onPlace({ q: text || undefined })}
            inputRef={search}
          />
        </div>
      )}
      <FilterChips chips={chips} onClear={clear} />
      {tasks.some(({ critical }) => critical) && <Legend waited={tasks.some(({ kind }) => kind === 'approval')} />}
      {visible.length > 0 ? (
        <TaskTable
          run={run}
          work={work}
          rows={visible}
          opened={opened}
          onToggle={toggle}
          onOpen={open}
          onSearch={() => search.current?.focus()}
        />
      ) : (
        <div className="flex flex-col items-center gap-3 py-8 text-muted">
          No task fits these filters.
          <Button onClick={clear}>Clear filters</Button>
        </div>
      )}
      <Suspense>
        {shown && (
          <TaskDrawer
            run={run}
            task={shown}
            order={visible.map(({ task }) => task)}
            instances={rows.find(({ task }) => task === shown)?.instances ?? []}
            onGo={open}
            onClose={() => onPlace({ task: undefined, item: undefined })}
          />
        )}
      </Suspense>
    </div>
  )
}

/** What the marks in the table mean. */
function Legend({ waited }: { waited: boolean }) {
  return (
    <p className="flex items-baseline gap-2 text-xs text-muted">
      <span aria-hidden className="size-1.5 shrink-0 -translate-y-px rounded-full bg-accent" />
      <span>
        Critical path: the chain of tasks that decides how long the run takes
        <span className="hidden lg:inline">, with thicker bars</span>.
        {waited && <span className="hidden lg:inline"> The bars leave out waiting for people.</span>}
      </span>
    </p>
  )
}

function graphTasks(rows: readonly TaskRow[]): GraphTask[] {
  const failed = rows.filter(({ task }) => task.state === 'failed' && task.kind !== 'on_error')
  return rows.map(({ task, instances }) => ({
    name: task.name,
    // It has no dependencies of its own: what failed is why it runs.
    depends_on: task.kind === 'on_error' ? failed.map((row) => row.task.name) : task.depends_on,
    kind: task.kind,
    run: task,
    instances,
  }))
}
