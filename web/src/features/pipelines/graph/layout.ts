import { useEffect, useMemo, useState } from 'react'
import type { GraphShape } from './graph-shape.ts'

/** Of every node, px. */
export const nodeSize = { width: 188, height: 50 }

export interface LayoutQuestion {
  /** The same for graphs that are laid out alike. */
  key: string
  nodes: string[]
  edges: [from: string, to: string][]
  /** From top to bottom; else from left to right. */
  down: boolean
}
export interface Point {
  x: number
  y: number
}
export interface LayoutAnswer {
  key: string
  /** Of the nodes, in their order. */
  places: Point[]
  /** Where each edge bends, in their order: around nodes that stand between. */
  bends: Point[][]
}

/** Where every node is; what was last known while a new graph is laid out. */
export interface Layout {
  places: ReadonlyMap<string, Point>
  /** By `edgeKey`. */
  bends: ReadonlyMap<string, readonly Point[]>
  failed: boolean
}

const nowhere: Layout = { places: new Map(), bends: new Map(), failed: false }

export const edgeKey = (from: string, to: string): string => JSON.stringify([from, to])

/** Asked again only when nodes or edges are others, not when their states are. */
export function useLayout({ nodes, edges }: GraphShape, down: boolean): Layout {
  const [layout, setLayout] = useState(nowhere)
  const question = useMemo((): LayoutQuestion => {
    const ids = nodes.map(({ id }) => id)
    const pairs = edges.map(({ from, to }): [string, string] => [from, to])
    return { key: JSON.stringify([down, ids, pairs]), nodes: ids, edges: pairs, down }
  }, [nodes, edges, down])
  const { key } = question
  useEffect(() => {
    const asked = JSON.parse(key) as [boolean, string[], [string, string][]]
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      setLayout({
        places: new Map(asked[1].map((id, index) => [id, data.places[index]!])),
        bends: new Map(asked[2].map(([from, to], index) => [edgeKey(from, to), data.bends[index]!])),
        failed: false,
      })
      worker.terminate()
    }
    worker.onerror = () => setLayout({ ...nowhere, failed: true })
    worker.postMessage({ key, down: asked[0], nodes: asked[1], edges: asked[2] } satisfies LayoutQuestion)
    return () => worker.terminate()
  }, [key])
  return layout
}
