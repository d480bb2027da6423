/** Lays out graphs beside the page: a hundred nodes take 150 ms, in which the page would not scroll. */
import { Graph, layout } from '@dagrejs/dagre'
import { nodeSize, type LayoutAnswer, type LayoutQuestion, type Point } from './layout.ts'

self.onmessage = ({ data: { key, nodes, edges, down } }: MessageEvent<LayoutQuestion>) => {
  const graph = new Graph()
  graph.setGraph({ rankdir: down ? 'TB' : 'LR', nodesep: 14, ranksep: down ? 36 : 56, marginx: 8, marginy: 8 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const id of nodes) graph.setNode(id, { ...nodeSize })
  for (const [from, to] of edges) graph.setEdge(from, to)
  layout(graph)
  const places = nodes.map((id) => {
    const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number }
    return { x: x - nodeSize.width / 2, y: y - nodeSize.height / 2 }
  })
  const bends = edges.map(([from, to]) => {
    const { points = [] } = graph.edge(from, to) as { points?: Point[] }
    // The first and the last are on the borders of its nodes; one between two neighbours goes around nothing.
    return points.length > 3 ? points.slice(1, -1) : []
  })
  self.postMessage({ key, places, bends } satisfies LayoutAnswer)
}
