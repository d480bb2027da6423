import type { PipelineRun } from '../../lib/api.ts'
import { StatusChip } from '../batches/batch-chip.tsx'
import { isRunOpen, runWords } from './words.ts'

export function RunChip({ run, large }: { run: Pick<PipelineRun, 'status' | 'cancel_requested'>; large?: boolean }) {
  const { label, tone } = runWords(run.status)
  const stopping = run.cancel_requested && isRunOpen(run)
  return <StatusChip status={tone} text={stopping ? 'Stopping' : label} large={large} />
}
