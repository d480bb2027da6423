/** The one word for how a run stands, from its counters: pure. */
import type { BatchWord } from './status-word.ts'

/** Jobs of a run by batch word; `total` is what it was made with, also when some have been removed since. */
export type RunCounts = Record<BatchWord, number> & { total: number }

export const openJobs = (counts: RunCounts): number => counts.waiting + counts.running

/** While it is open: has one begun? Then: one failed, else one did not run to its end, else all passed. */
export function runStatus(counts: RunCounts, ended: boolean): BatchWord {
  if (!ended) return counts.running + counts.passed + counts.failed > 0 ? 'running' : 'waiting'
  if (counts.failed > 0) return 'failed'
  return counts.passed < counts.total ? 'cancelled' : 'passed'
}
