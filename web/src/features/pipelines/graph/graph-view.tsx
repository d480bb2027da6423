import { ReactFlow, ReactFlowProvider, useReactFlow } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { Maximize, Minus, Plus } from 'lucide-react'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { useMedia } from '../../../lib/use-media.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { columnsIn, firstView, type View } from './arrange.ts'
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
  const figure = useRef<HTMLElement>(null)
  const width = useWidth(figure)
  const { places, bends, failed } = useLayout(shape, down, width === 0 ? 0 : columnsIn(width))
  const view = useMemo(() => {
    if (places.size === 0 || width === 0) return null
    // No higher than leaves place for the table.
    const mostHeight = down ? 360 : Math.max(288, window.innerHeight * 0.45)
    return firstView([...places.values()], { width, mostHeight }, near === null ? undefined : places.get(near))
    // Not of `near`: what is laid out already does not move under the pointer that chose it.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [places, width, down])
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
  const critical = shape.nodes.some((node) => 'task' in node && node.task.run?.critical)
  return (
    <figure
      ref={figure}
      aria-label="Graph of the tasks"
      className="overflow-hidden rounded-lg border border-line bg-sunken"
    >
      <Bar shape={shape} near={near} onNear={onNear} critical={critical} cut={view?.cut ?? false} />
      {failed ? (
        <p className="p-4 text-muted">The graph could not be drawn. The table below has all of it.</p>
      ) : (
        <div aria-hidden className="task-graph" style={{ height: view?.height ?? 150 }}>
          {nodes.length > 0 && view && (
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
              defaultViewport={view}
              onlyRenderVisibleElements={nodes.length > 80}
              proOptions={{ hideAttribution: true }}
            >
              <ShowAnew view={view} />
            </ReactFlow>
          )}
        </div>
      )}
    </figure>
  )
}

const whole = { padding: 0.06, maxZoom: 1 }

/** px; 0 before it is known. */
function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const measure = () => setWidth(element.current!.clientWidth)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element.current!)
    return () => observer.disconnect()
  }, [element])
  return width
}

/** A new layout, or one in another box, is shown from its beginning. */
function ShowAnew({ view }: { view: View }) {
  const { setViewport } = useReactFlow()
  useEffect(() => void setViewport(view), [view, setViewport])
  return null
}

interface BarProps {
  shape: { grouped: boolean; near: boolean }
  near: string | null
  onNear: ((name: string | null) => void) | undefined
  critical: boolean
  /** Not all of it is seen at first. */
  cut: boolean
}

function Bar({ shape, near, onNear, critical, cut }: BarProps) {
  const { zoomIn, zoomOut, fitView } = useReactFlow()
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface py-0.5 pr-1 pl-3 text-sm text-muted">
      <span className="min-w-0 flex-1 truncate">
        {shape.near
          ? `Around ${visibleText(near!)}`
          : shape.grouped
            ? 'Shown in groups: choose one, then a task in the table.'
            : 'Graph'}
        {cut && <span className="text-xs"> · drag to move</span>}
      </span>
      {critical && (
        <span
          className="flex items-center gap-1.5 text-xs"
          title="The chain of tasks that decided how long it took: outlined, with thick lines between them"
        >
          <span aria-hidden className="h-3 w-5 rounded-sm border border-line-strong ring-2 ring-accent/60" /> critical
          path
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
        <IconButton small label="Show the whole graph" onClick={() => void fitView(whole)}>
          <Maximize aria-hidden className="size-3.5" />
        </IconButton>
      </span>
    </div>
  )
}
