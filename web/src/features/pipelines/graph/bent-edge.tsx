import { BaseEdge, getSmoothStepPath, Position, type Edge, type EdgeProps } from '@xyflow/react'
import { memo } from 'react'
import type { Bends, Point } from './layout.ts'

export type BentEdge = Edge<{ bends: Bends; down: boolean }, 'bent'>

/** A smooth line through its bends, along the direction of the graph at both of its ends; or back to a row below. */
export const BentEdgeView = memo(function BentEdgeView({
  id,
  sourceX,
  sourceY,
  targetX,
  targetY,
  data,
}: EdgeProps<BentEdge>) {
  const bends = data?.bends ?? []
  if (!Array.isArray(bends)) {
    const sides = { sourcePosition: Position.Right, targetPosition: Position.Left }
    const [path] = getSmoothStepPath({ ...sides, sourceX, sourceY, targetX, targetY, centerY: bends.turn, offset: 10 })
    return <BaseEdge id={id} path={path} />
  }
  const points = [{ x: sourceX, y: sourceY }, ...bends, { x: targetX, y: targetY }]
  return <BaseEdge id={id} path={pathThrough(points, data?.down ?? false)} />
})

function pathThrough(points: readonly Point[], down: boolean): string {
  const [first] = points
  const curves = points.slice(1).map((to, index) => {
    const from = points[index]!
    if (down) {
      const middle = (from.y + to.y) / 2
      return `C${from.x},${middle} ${to.x},${middle} ${to.x},${to.y}`
    }
    const middle = (from.x + to.x) / 2
    return `C${middle},${from.y} ${middle},${to.y} ${to.x},${to.y}`
  })
  return `M${first!.x},${first!.y}${curves.join('')}`
}
