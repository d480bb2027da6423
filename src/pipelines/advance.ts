/**
 * One step of a run: looks at what became of its tasks and does what follows, in one transaction. It may be called at any
 * time, from any server, and again after a crash: what it decides comes from committed rows alone.
 */
import type { Last, Queryable } from '../db/pool.ts'
import { tellRun } from '../queue/run-notices.ts'
import { act, type FailedOutput } from './act.ts'
import { graphFor, loadRun } from './load-run.ts'
import { planRun } from './plan.ts'
import type { PipelineHooks, RunState } from './run.ts'

export interface ChildToStart {
  task: string
  item: number
}

export interface Advanced {
  /** `gone`: there is no such run of a pipeline. */
  state: RunState | 'gone'
  ended: boolean
  pipelineId: string | null
  /** Something was written. */
  moved: boolean
  /** There is more to do at once, in another transaction. */
  again: boolean
  /** Tasks that run another pipeline and have no run yet. */
  children: ChildToStart[]
  /** Keys of runs of sub-pipelines that are to be cancelled. */
  stopChildren: string[]
  /** Public id of the job whose output `on_error` is told; asked for again with it. */
  outputWanted: string | null
  /** Until something is due although nothing happens. */
  dueInMs: number | null
}

export interface AdvanceOptions {
  failedOutput?: FailedOutput
  /** The step is all that its transaction does. */
  last?: Last
}

/** Units of one step: the transaction holds the run and delays its other news. */
const unitsAtOnce = 500
/** A task that is done at once lets others begin, which may be done at once. */
const roundsAtOnce = 20

const nothing: Omit<Advanced, 'state'> = {
  ...{ ended: false, pipelineId: null, moved: false, again: false, children: [], stopChildren: [] },
  ...{ outputWanted: null, dueInMs: null },
}

export async function advanceRun(
  tx: Queryable,
  hooks: PipelineHooks,
  runKey: string,
  { failedOutput, last }: AdvanceOptions = {},
): Promise<Advanced> {
  let moved = false
  for (let round = 1; ; round++) {
    const loaded = await loadRun(tx, runKey)
    if (loaded === null) return { ...nothing, state: 'gone', moved }
    const { run, tasks } = loaded
    const { state, pipelineId } = run
    const ended = state === 'ended'
    if (state !== 'running') {
      const dueInMs = run.notBefore && run.notBefore.getTime() - run.now.getTime()
      return { ...nothing, state, ended, pipelineId, moved, dueInMs: ended ? null : dueInMs }
    }
    const graph = await graphFor(tx, run)
    const facts = { ...run, admittedAt: run.admittedAt ?? run.createdAt }
    const plan = planRun(graph, facts, tasks, unitsAtOnce)
    const done = await act(tx, { hooks, run, graph, plan, failedOutput, last })
    if (done.moved && !moved && !done.told) await tellRun(tx, runKey)
    moved ||= done.moved
    if (done.replan && round < roundsAtOnce) continue
    return {
      state: plan.end === null ? 'running' : 'ended',
      ended: plan.end !== null,
      pipelineId,
      moved,
      again: done.replan || done.more,
      children: done.children,
      stopChildren: plan.stopChildren,
      outputWanted: done.outputWanted,
      dueInMs: plan.dueAt && plan.dueAt - run.now.getTime(),
    }
  }
}
