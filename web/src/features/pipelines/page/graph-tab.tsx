import { useMemo, useState } from 'react'
import { Badge } from '../../../components/badge.tsx'
import { Table, TableHead, Td, Th, Tr } from '../../../components/table.tsx'
import type { PipelineDetail } from '../../../lib/api.ts'
import { cn } from '../../../lib/cn.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import type { GraphGroup, GraphTask } from '../graph/graph-shape.ts'
import GraphView from '../graph/graph-view.tsx'

/** More rows than these are no overview; the source has all. */
const mostRows = 300

/** What the version in force does: its tasks, and what waits for what. */
export default function GraphTab({ pipeline }: { pipeline: PipelineDetail }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [group, setGroup] = useState<GraphGroup | null>(null)
  const tasks: GraphTask[] = useMemo(() => [...pipeline.graph], [pipeline.graph])
  const names = group && new Set(group.tasks.map(({ name }) => name))
  const rows = pipeline.graph.filter(({ name }) => names?.has(name) ?? true)
  return (
    <div className="flex flex-col gap-3">
      <GraphView
        tasks={tasks}
        near={chosen}
        onNear={setChosen}
        chosen={chosen}
        onTask={(name) => {
          setChosen(name)
          document.getElementById(`task-${name}`)?.scrollIntoView({ block: 'nearest' })
        }}
        onGroup={setGroup}
      />
      <Table label="Tasks of the pipeline">
        <TableHead>
          <Th>Task</Th>
          <Th className="max-sm:hidden">Waits for</Th>
          <Th>What it does</Th>
        </TableHead>
        <tbody>
          {rows.slice(0, mostRows).map((task) => (
            <Tr key={task.name} id={`task-${task.name}`} selected={task.name === chosen}>
              <th scope="row" className="px-2 py-1.5 text-left align-top font-medium sm:px-3">
                <button
                  type="button"
                  className="max-w-36 truncate rounded text-left hover:text-accent sm:max-w-48 lg:max-w-72"
                  aria-pressed={task.name === chosen}
                  onClick={() => setChosen(task.name === chosen ? null : task.name)}
                >
                  {visibleText(task.name)}
                </button>
              </th>
              <Td muted className="max-w-64 truncate align-top max-sm:hidden" title={task.depends_on.join(', ')}>
                {task.depends_on.map(visibleText).join(', ') || '–'}
              </Td>
              <Td className="w-full align-top whitespace-normal">
                <What task={task} />
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
      <p className={cn('text-sm text-muted', rows.length <= mostRows && !group && !pipeline.on_error && 'hidden')}>
        {rows.length > mostRows && `The first ${mostRows} of ${rows.length.toLocaleString()} are listed. `}
        {group && (
          <button
            type="button"
            className="rounded text-accent underline underline-offset-2"
            onClick={() => setGroup(null)}
          >
            List all tasks
          </button>
        )}
        {pipeline.on_error && ' When a task fails, on_error runs at the end.'}
      </p>
    </div>
  )
}

function What({ task }: { task: PipelineDetail['graph'][number] }) {
  return (
    <div className="flex flex-col gap-0.5">
      {task.depends_on.length > 0 && (
        <p className="line-clamp-2 text-muted sm:hidden">after {task.depends_on.map(visibleText).join(', ')}</p>
      )}
      {task.description && <p>{visibleText(task.description)}</p>}
      <p className="flex flex-wrap gap-1 empty:hidden">
        {task.kind !== 'script' && <Badge tone="accent">{task.kind}</Badge>}
        {task.fans_out && <Badge tone="accent">one for each item</Badge>}
        {task.allow_failure && <Badge>may fail</Badge>}
      </p>
      {task.script.length > 0 && (
        <pre className="max-h-40 overflow-y-auto font-mono text-xs break-words whitespace-pre-wrap text-muted">
          {task.script.join('\n')}
        </pre>
      )}
    </div>
  )
}
