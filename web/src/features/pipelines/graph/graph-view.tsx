import { ReactFlow, ReactFlowProvider, useReactFlow } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { Maximize, Minus, Plus } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { cn } from '../../../lib/cn.ts'
import { useMedia } from '../../../lib/use-media.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { BentEdgeView, type BentEdge } from './bent-edge.tsx'
import { GraphNodeView, type FlowNode } from './graph-node.tsx'
import { neighbourhood, shapeOf, type GraphGroup, type GraphTask } from './graph-shape.ts'
import './graph.css'
import { edgeKey, nodeSize, useLayout } from './layout.ts'

interface GraphViewProps {
  tasks: readonly GraphTask[]
  /** A task whose neighbours are looked at, when there are too many to see all. */
  near?: string | null
  onNear?: (name: string | null) => void
  chosen?: string | null
  onTask: (name: string) => void
  onGroup?: (group: GraphGroup) => void
}

const nodeTypes = { graph: GraphNodeView }
const edgeTypes = { bent: BentEdgeView }

/**
 * The graph of the tasks, for the eye: all that is in it stands in the table of tasks too, which is what the keyboard and
 * screen readers use.
 */
export default function GraphView(props: GraphViewProps) {
  return (
    <ReactFlowProvider>
      <Graph {...props} />
    </ReactFlowProvider>
  )
}

function Graph({ tasks, near = null, onNear, chosen = null, onTask, onGroup }: GraphViewProps) {
  const down = useMedia('(max-width: 767px)')
  const shape = useMemo(() => {
    const all = shapeOf(tasks)
    return near !== null && all.grouped ? { ...neighbourhood(tasks, near), near: true } : { ...all, near: false }
  }, [tasks, near])
  const { places, bends, failed } = useLayout(shape, down)
  const nodes = useMemo(
    () =>
      shape.nodes.flatMap((node): FlowNode[] => {
        const position = places.get(node.id)
        const data = { node, chosen: 'task' in node && node.task.name === (chosen ?? near), down }
        return position ? [{ id: node.id, type: 'graph', position, data, ...nodeSize }] : []
      }),
    [shape, places, chosen, near, down],
  )
  const edges = useMemo(
    () =>
      shape.edges.map(({ from, to, critical }): BentEdge => ({
        id: edgeKey(from, to),
        type: 'bent',
        data: { bends: bends.get(edgeKey(from, to)) ?? [], down },
        source: from,
        target: to,
        className: critical ? 'critical' : undefined,
        zIndex: critical ? 1 : 0,
      })),
    [shape, bends, down],
  )
  const critical = shape.edges.some((edge) => edge.critical)
  return (
    <figure aria-label="Graph of the tasks" className="overflow-hidden rounded-lg border border-line bg-sunken">
      <Bar shape={shape} near={near} onNear={onNear} critical={critical} />
      {failed ? (
        <p className="p-4 text-muted">The graph could not be drawn. The table below has all of it.</p>
      ) : (
        // As high as a small graph needs, and no higher than leaves place for the table.
        <div
          aria-hidden
          className={cn('task-graph', down ? 'max-h-72' : 'max-h-[max(16rem,40dvh)]')}
          style={{ height: heightOf(places) }}
        >
          {nodes.length > 0 && (
            <ReactFlow
              nodes={nodes}
              edges={edges}
              nodeTypes={nodeTypes}
              edgeTypes={edgeTypes}
              onNodeClick={(_, { data: { node } }) => {
                if ('task' in node) onTask(node.task.name)
                else onGroup?.(node.group)
              }}
              nodesDraggable={false}
              nodesConnectable={false}
              nodesFocusable={false}
              edgesFocusable={false}
              elementsSelectable={false}
              disableKeyboardA11y
              deleteKeyCode={null}
              selectionKeyCode={null}
              // The wheel scrolls the page; with Control it zooms, as on a map.
              zoomOnScroll={false}
              preventScrolling={false}
              zoomOnDoubleClick={false}
              minZoom={0.05}
              maxZoom={1.5}
              fitView
              fitViewOptions={fit}
              onlyRenderVisibleElements={nodes.length > 80}
              proOptions={{ hideAttribution: true }}
            >
              <FitWhenMoved places={places} />
            </ReactFlow>
          )}
        </div>
      )}
    </figure>
  )
}

function heightOf(places: ReadonlyMap<string, { y: number }>): number {
  const bottom = Math.max(...[...places.values()].map(({ y }) => y), 0) + nodeSize.height
  return Math.max(150, bottom + 32)
}

const fit = { padding: 0.06, maxZoom: 1 }

/** A new layout is shown whole. */
function FitWhenMoved({ places }: { places: object }) {
  const { fitView } = useReactFlow()
  useEffect(() => void fitView(fit), [places, fitView])
  return null
}

interface BarProps {
  shape: { grouped: boolean; near: boolean }
  near: string | null
  onNear: ((name: string | null) => void) | undefined
  critical: boolean
}

function Bar({ shape, near, onNear, critical }: BarProps) {
  const { zoomIn, zoomOut, fitView } = useReactFlow()
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface py-0.5 pr-1 pl-3 text-sm text-muted">
      <span className="min-w-0 flex-1 truncate">
        {shape.near
          ? `Around ${visibleText(near!)}`
          : shape.grouped
            ? 'Too many to draw each: in groups. Choose one, then a task in the table.'
            : 'Graph'}
      </span>
      {critical && (
        <span
          className="hidden items-center gap-1.5 text-xs sm:flex"
          title="The chain of tasks that decided how long it took"
        >
          <span aria-hidden className="h-0.5 w-5 rounded bg-accent" /> critical path
        </span>
      )}
      {shape.near && (
        <Button size="small" kind="quiet" onClick={() => onNear?.(null)}>
          Show all
        </Button>
      )}
      <span className="flex">
        <IconButton small label="Smaller" onClick={() => void zoomOut()}>
          <Minus aria-hidden className="size-3.5" />
        </IconButton>
        <IconButton small label="Larger" onClick={() => void zoomIn()}>
          <Plus aria-hidden className="size-3.5" />
        </IconButton>
        <IconButton small label="Show the whole graph" onClick={() => void fitView(fit)}>
          <Maximize aria-hidden className="size-3.5" />
        </IconButton>
      </span>
    </div>
  )
}
