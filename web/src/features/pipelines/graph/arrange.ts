import { nodeSize, type Point } from './layout.ts'

/** Between the columns of a graph, px. */
export const columnGap = 56
/** Between its rows, where it goes on below. */
const rowGap = 36

/** How many nodes stand before each, one after another: what can begin at once is 0. Of a graph without circles. */
export function ranksOf(nodes: readonly string[], edges: readonly (readonly [from: string, to: string])[]): number[] {
  const after = Map.groupBy(edges, ([from]) => from)
  const missing = new Map(nodes.map((id) => [id, 0]))
  for (const [, to] of edges) missing.set(to, missing.get(to)! + 1)
  const ranks = new Map(nodes.map((id) => [id, 0]))
  const ready = nodes.filter((id) => missing.get(id) === 0)
  for (const from of ready) {
    for (const [, to] of after.get(from) ?? []) {
      ranks.set(to, Math.max(ranks.get(to)!, ranks.get(from)! + 1))
      missing.set(to, missing.get(to)! - 1)
      if (missing.get(to) === 0) ready.push(to)
    }
  }
  return nodes.map((id) => ranks.get(id)!)
}

export interface Wrapped {
  /** In the order of the nodes. */
  places: Point[]
  /** The row of each node, from 0. */
  rows: number[]
  /** How far each row was moved. */
  moved: Point[]
  /** The line above each row on which edges come to it from other rows. */
  turns: number[]
}

/** A graph from left to right in rows of that many columns, one below the other as lines of text. */
export function wrapRows(places: readonly Point[], ranks: readonly number[], columns: number): Wrapped {
  const rows = ranks.map((rank) => Math.floor(rank / columns))
  const moved: Point[] = []
  const turns: number[] = []
  let top = 0
  for (let row = 0; row <= Math.max(...rows); row++) {
    const own = places.filter((_, index) => rows[index] === row)
    const ys = own.map(({ y }) => y)
    moved.push({ x: -Math.min(...own.map(({ x }) => x)), y: top - Math.min(...ys) })
    turns.push(top - rowGap / 2)
    top += Math.max(...ys) - Math.min(...ys) + nodeSize.height + rowGap
  }
  const shift = ({ x, y }: Point, row: number) => ({ x: x + moved[row]!.x, y: y + moved[row]!.y })
  return { places: places.map((place, index) => shift(place, rows[index]!)), rows, moved, turns }
}

/** Below this nobody reads the names: what does not fit is reached by dragging. */
export const leastZoom = 0.85
const margin = 14

/** How many columns are seen at once in a box of that width, px. */
export const columnsIn = (width: number): number =>
  Math.max(1, Math.floor(((width - 2 * margin) / leastZoom + columnGap) / (nodeSize.width + columnGap)))

export interface View extends Point {
  zoom: number
  /** Of the box: as high as what is drawn, px. */
  height: number
  /** Not all of it is seen. */
  cut: boolean
}

/** How a graph is shown first: whole, or as much around `focus` as can be read. */
export function firstView(
  places: readonly Point[],
  box: { width: number; mostHeight: number },
  focus: Point | undefined,
): View {
  const left = Math.min(...places.map(({ x }) => x))
  const top = Math.min(...places.map(({ y }) => y))
  const wide = Math.max(...places.map(({ x }) => x)) - left + nodeSize.width
  const high = Math.max(...places.map(({ y }) => y)) - top + nodeSize.height
  const most = { width: box.width - 2 * margin, height: box.mostHeight - 2 * margin }
  const zoom = Math.min(1, Math.max(leastZoom, Math.min(most.width / wide, most.height / high)))
  const height = Math.min(box.mostHeight, Math.ceil(high * zoom) + 2 * margin)
  const along = (size: number, room: number, start: number, at: number, half: number) =>
    size * zoom <= room - 2 * margin
      ? (room - size * zoom) / 2 - start * zoom
      : Math.max(room - margin - (start + size) * zoom, Math.min(margin - start * zoom, room / 2 - (at + half) * zoom))
  const { x, y } = focus ?? places[0]!
  return {
    zoom,
    height,
    x: along(wide, box.width, left, x, nodeSize.width / 2),
    y: along(high, height, top, y, nodeSize.height / 2),
    cut: wide * zoom > most.width + 1 || high * zoom > height - 2 * margin + 1,
  }
}
