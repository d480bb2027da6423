/** Lays out graphs beside the page: a hundred nodes take 150 ms, in which the page would not scroll. */
import { Graph, layout } from '@dagrejs/dagre'
import { columnGap, ranksOf, wrapRows } from './arrange.ts'
import { nodeSize, type Bends, type LayoutAnswer, type LayoutQuestion, type Point } from './layout.ts'

self.onmessage = ({ data: question }: MessageEvent<LayoutQuestion>) => {
  self.postMessage(answer(question))
}

function answer({ nodes, edges, down, columns, wraps }: LayoutQuestion): LayoutAnswer {
  const ranks = ranksOf(nodes, edges)
  const graph = new Graph()
  // Ranks of our own: those of the library move what has no dependencies beside what waits for it.
  const rankdir = down ? 'TB' : 'LR'
  graph.setGraph({ rankdir, ranker: 'none', nodesep: 14, ranksep: down ? 36 : columnGap, marginx: 8, marginy: 8 })
  graph.setDefaultEdgeLabel(() => ({}))
  // Twice: every other rank is for the labels of edges.
  nodes.forEach((id, index) => graph.setNode(id, { ...nodeSize, rank: ranks[index]! * 2 }))
  for (const [from, to] of edges) graph.setEdge(from, to)
  layout(graph)
  const places = nodes.map((id) => {
    const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number }
    return { x: x - nodeSize.width / 2, y: y - nodeSize.height / 2 }
  })
  const bends = edges.map(([from, to]): Bends => {
    const { points = [] } = graph.edge(from, to) as { points?: Point[] }
    // The first and the last are on the borders of its nodes; one between two neighbours goes around nothing.
    return points.length > 3 ? points.slice(1, -1) : []
  })
  const chain = new Set(ranks).size === nodes.length
  if (down || !(wraps || chain) || Math.max(...ranks) < columns) return { places, bends }
  const { places: now, rows, moved, turns } = wrapRows(places, ranks, columns)
  const rowOf = new Map(nodes.map((id, index) => [id, rows[index]!]))
  return {
    places: now,
    bends: edges.map(([from, to], index): Bends => {
      const row = rowOf.get(to)!
      if (rowOf.get(from) !== row) return { turn: turns[row]! }
      const { x, y } = moved[row]!
      return (bends[index] as Point[]).map((point) => ({ x: point.x + x, y: point.y + y }))
    }),
  }
}
