import type { Pipeline, PipelineRun } from '../../../lib/api.ts'
import type { SquareRun } from '../run-squares.tsx'

const mostSquares = 10

/** The newest runs of each pipeline out of the newest of all; of one that has none among these, its last. */
export function squaresOf(pipelines: readonly Pipeline[], recent: readonly PipelineRun[]): Map<string, SquareRun[]> {
  const squares = new Map<string, SquareRun[]>(pipelines.map(({ name }) => [name, []]))
  for (const run of recent) {
    const of = squares.get(run.pipeline)
    if (of && of.length < mostSquares) of.push(run)
  }
  for (const { name, last_run: last } of pipelines) {
    const of = squares.get(name)!
    if (last && of.length === 0) of.push(last)
  }
  return squares
}
