import { useEffect, useMemo, useState } from 'react'
import type { GraphShape } from './graph-shape.ts'

/** Of every node, px. */
export const nodeSize = { width: 188, height: 50 }

export interface LayoutQuestion {
  nodes: string[]
  edges: [from: string, to: string][]
  /** From top to bottom; else from left to right. */
  down: boolean
  /** As many are seen at once. */
  columns: number
  /** What has more columns goes on in a row below. */
  wraps: boolean
}
export interface Point {
  x: number
  y: number
}
/** The points that an edge goes through; or the height, px, on which it goes back to a row below. */
export type Bends = Point[] | { turn: number }

export interface LayoutAnswer {
  /** Of the nodes, in their order. */
  places: Point[]
  /** Where each edge bends, in their order: around nodes that stand between. */
  bends: Bends[]
}

/** Where every node is; what was last known while a new graph is laid out. */
export interface Layout {
  places: ReadonlyMap<string, Point>
  /** By `edgeKey`. */
  bends: ReadonlyMap<string, Bends>
  failed: boolean
}

const nowhere: Layout = { places: new Map(), bends: new Map(), failed: false }

export const edgeKey = (from: string, to: string): string => JSON.stringify([from, to])

/** Asked again only when nodes, edges or the room for them are others, not when their states are. `columns` 0: not known. */
export function useLayout({ nodes, edges, grouped }: GraphShape, down: boolean, columns: number): Layout {
  const [layout, setLayout] = useState(nowhere)
  const key = useMemo(() => {
    const ids = nodes.map(({ id }) => id)
    const pairs = edges.map(({ from, to }): [string, string] => [from, to])
    return JSON.stringify({ nodes: ids, edges: pairs, down, columns, wraps: grouped } satisfies LayoutQuestion)
  }, [nodes, edges, grouped, down, columns])
  useEffect(() => {
    const question = JSON.parse(key) as LayoutQuestion
    if (question.columns === 0) return
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      setLayout({
        places: new Map(question.nodes.map((id, index) => [id, data.places[index]!])),
        bends: new Map(question.edges.map(([from, to], index) => [edgeKey(from, to), data.bends[index]!])),
        failed: false,
      })
      worker.terminate()
    }
    worker.onerror = () => setLayout({ ...nowhere, failed: true })
    worker.postMessage(question)
    return () => worker.terminate()
  }, [key])
  return layout
}
