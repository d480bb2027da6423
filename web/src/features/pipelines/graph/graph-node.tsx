import { Handle, Position, type Node, type NodeProps } from '@xyflow/react'
import { GitBranch, Hand, Workflow } from 'lucide-react'
import { memo } from 'react'
import { SegmentedBar, type SegmentKind } from '../../../components/segmented-bar.tsx'
import { cn } from '../../../lib/cn.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { isForgiven, toneOf } from '../run/task-text.ts'
import { TaskIcon } from '../task-chip.tsx'
import { Elapsed } from '../times.tsx'
import { barParts, countStates, endedOf, taskStates } from '../words.ts'
import type { GraphNode, GraphTask } from './graph-shape.ts'

export type FlowNode = Node<{ node: GraphNode; chosen: boolean; down: boolean }, 'graph'>

const looks: Record<SegmentKind, string> = {
  waiting: 'border-line bg-surface',
  running: 'border-running-fill bg-running-soft',
  approval: 'border-accent bg-accent-soft',
  passed: 'border-passed-fill bg-passed-soft',
  failed: 'border-failed-fill bg-failed-soft',
  cancelled: 'border-line-strong/60 border-dashed bg-surface',
}

/** One task, or several of a large graph. */
export const GraphNodeView = memo(function GraphNodeView({ data: { node, chosen, down } }: NodeProps<FlowNode>) {
  const group = 'group' in node
  const tone = group ? groupTone(node.group.counts) : node.task.run ? toneOf(node.task.run) : 'waiting'
  const critical = !group && node.task.run?.critical
  const many = group || node.task.fans_out || (node.task.instances?.length ?? 0) > 0
  return (
    <div
      className={cn(
        'relative flex h-[50px] w-[188px] items-center gap-2 rounded-md border px-2.5 text-left text-sm text-text',
        looks[tone],
        critical && 'ring-2 ring-accent/60',
        chosen && 'outline-2 outline-offset-2 outline-focus',
      )}
    >
      {many && (
        <span className={cn('absolute inset-x-1 -bottom-1 -z-10 h-2 rounded-b-md border border-t-0', looks[tone])} />
      )}
      <Handle type="target" position={down ? Position.Top : Position.Left} isConnectable={false} />
      {group ? <GroupBody group={node.group} /> : <TaskBody task={node.task} />}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  )
})

function groupTone({ failed, running, approval, done, total }: ReturnType<typeof countStates>): SegmentKind {
  if (failed > 0) return 'failed'
  if (running + approval > 0) return 'running'
  return done === total ? 'passed' : 'waiting'
}

function TaskBody({ task }: { task: GraphTask }) {
  const { run, kind, instances = [] } = task
  const Kind = kind === 'approval' ? Hand : kind === 'pipeline' ? Workflow : null
  return (
    <>
      {run && <TaskIcon state={run.state} forgiven={isForgiven(run)} />}
      <div className="min-w-0 flex-1 leading-tight">
        <p className="truncate font-medium" title={visibleText(task.name)}>
          {visibleText(task.name)}
        </p>
        <p className="flex items-center gap-1 truncate text-xs text-muted tabular-nums">
          {run ? <RunLine run={run} /> : <KindLine task={task} />}
        </p>
        {instances.length > 0 && (
          <SegmentedBar
            parts={barParts(countStates(instances))}
            label="Instances"
            className="mt-0.5 h-1 rounded-full"
          />
        )}
      </div>
      {Kind && <Kind className="size-3.5 shrink-0 text-muted" />}
    </>
  )
}

function RunLine({ run }: { run: NonNullable<GraphTask['run']> }) {
  if (run.started_at === null || run.state === 'approval') return <>{taskStates[run.state].label}</>
  return (
    <>
      <Elapsed of={run} />
      {run.attempts > 1 && <span>· {run.attempts} attempts</span>}
    </>
  )
}

function KindLine({ task: { kind, fans_out } }: { task: GraphTask }) {
  const word = { script: 'script', pipeline: 'pipeline', approval: 'approval', on_error: 'after a failure' }[kind]
  return (
    <>
      {fans_out && <GitBranch className="size-3" />}
      {fans_out ? 'one for each item' : word}
    </>
  )
}

function GroupBody({ group: { label, tasks, counts } }: { group: Extract<GraphNode, { group: object }>['group'] }) {
  const live = tasks.some(({ run }) => run !== undefined)
  return (
    <div className="min-w-0 flex-1 leading-tight">
      <p className="truncate font-medium" title={visibleText(label)}>
        {visibleText(label)}
      </p>
      <p className="text-xs text-muted tabular-nums">
        {live && `${endedOf(counts).toLocaleString()} of `}
        {tasks.length.toLocaleString()} tasks
      </p>
      {live && <SegmentedBar parts={barParts(counts)} label="Tasks" className="mt-0.5 h-1 rounded-full" />}
    </div>
  )
}
