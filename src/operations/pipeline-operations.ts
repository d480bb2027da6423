/** What may be done about pipelines and their runs, bound to one server's dependencies. */
import type { Ask, Deps } from './deps.ts'
import * as acts from './pipeline-acts.ts'
import * as definitions from './pipeline-definitions.ts'
import * as runs from './pipeline-runs.ts'
import { startPipeline, type StartPipelineInput } from './pipeline-start.ts'
import { getPipeline, listPipelines, type ListPipelinesInput } from './pipelines.ts'

export function pipelineOperations(deps: Deps) {
  return {
    listPipelines: (ask: Ask, input: ListPipelinesInput) => listPipelines(deps, ask, input),
    getPipeline: (ask: Ask, input: { name: string; version?: number }) => getPipeline(deps, ask, input),
    checkPipelines: (ask: Ask, input: { source: string; strict: boolean }) =>
      definitions.checkPipelines(deps, ask, input),
    putPipeline: (ask: Ask, input: definitions.PutPipelineInput) => definitions.putPipeline(deps, ask, input),
    deletePipeline: (ask: Ask, name: string) => definitions.deletePipeline(deps, ask, name),
    pipelineVersions: (ask: Ask, input: { name: string; cursor?: string; limit: number }) =>
      definitions.pipelineVersions(deps, ask, input),
    pipelineDiff: (ask: Ask, input: { name: string; from: number; to: number }) =>
      definitions.pipelineDiff(deps, ask, input),
    restorePipeline: (ask: Ask, input: { name: string; number: number }) =>
      definitions.restorePipeline(deps, ask, input),
    startPipeline: (ask: Ask, input: StartPipelineInput) => startPipeline(deps, ask, input),
    listPipelineRuns: (ask: Ask, input: runs.ListPipelineRunsInput) => runs.listPipelineRuns(deps, ask, input),
    getPipelineRun: (ask: Ask, id: string) => runs.getPipelineRun(deps, ask, id),
    pipelineTasks: (ask: Ask, input: runs.TasksInput) => runs.pipelineTasks(deps, ask, input),
    showPipelineRuns: (ask: Ask, keys: string[]) => runs.showPipelineRuns(deps, ask, keys),
    watchedRun: (ask: Ask, id: string) => runs.watchedRun(deps, ask, id),
    maySeePipelineRunOf: runs.maySeePipelineRunOf,
    cancelPipelineRun: (ask: Ask, input: { id: string; reason?: string }) => acts.cancelRun(deps, ask, input),
    cancelPipelineTask: (ask: Ask, input: acts.TaskInput & { reason?: string }) => acts.cancelTask(deps, ask, input),
    decidePipelineTask: (ask: Ask, input: acts.TaskInput & { approve: boolean; note?: string }) =>
      acts.decide(deps, ask, input),
    rerunPipelineRun: (ask: Ask, input: { id: string; from: 'failed' | 'start'; idempotencyKey?: string }) =>
      acts.rerunRun(deps, ask, input),
    deletePipelineRun: (ask: Ask, id: string) => acts.deleteRun(deps, ask, id),
  }
}
