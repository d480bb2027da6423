import type { PipelineRun, PipelineTask } from '../../lib/api.ts'

/** Without their words, which are no part of the first load: addresses are read before any page is there. */
export const runStatusNames = [
  'waiting',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly PipelineRun['status'][]
export const triggerNames = [
  'manual',
  'schedule',
  'pipeline',
  'rerun',
] as const satisfies readonly PipelineRun['trigger'][]
export const taskStateNames = [
  'waiting',
  'running',
  'approval',
  'done',
  'failed',
  'cancelled',
  'skipped',
] as const satisfies readonly PipelineTask['state'][]
