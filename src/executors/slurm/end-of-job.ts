/** How a job ended, by the wrapper's word and Slurm's. */
import type { Usage } from '../../job/outcome.ts'
import type { DrivenEnd } from '../driver/driver.ts'
import { AttemptLost } from '../executor.ts'
import type { JobState } from './job-states.ts'
import type { WrapperEnd } from './status.ts'

const memoryWords = /exceeded (?:job |step )?memory limit|oom[-_ ]kill/i

export function endByWrapper(end: WrapperEnd, state: JobState | null, said: string, startedAt: number): DrivenEnd {
  const { exitCode, signal, remaining } = end
  const usage: Usage = { cpu_ms: end.cpuMs, ...(end.memoryPeak > 0 ? { memory_peak_bytes: end.memoryPeak } : {}) }
  const by = exitCode === 0 ? {} : bySlurm(state, said)
  return { exitCode, signal, oomKilled: false, usage, remaining, endedAt: startedAt + end.ranMs, ...by }
}

/** The wrapper was killed with its job, so all that is known is what Slurm says. Throws AttemptLost when that is nothing. */
export function endWithoutWrapper(
  state: JobState | null,
  said: string,
  told: '-' | 'TERM' | 'KILL',
  usage: Usage,
): DrivenEnd {
  if (state === null) throw new AttemptLost('Slurm does not know it any more, and nothing of it says how it ended')
  // Slurm says so only when it has found none of its processes any more.
  const ended = { exitCode: 137, signal: 'SIGKILL', oomKilled: false, usage, remaining: 0 }
  const by = bySlurm(state, said)
  if (by.oomKilled) return { ...ended, ...by }
  if (told !== '-') return ended
  if (by.said) return { ...ended, ...by }
  const [code = 0, signal = 0] = (state.exit ?? '').split(':').map(Number)
  if (state.state === 'FAILED' && code > 0 && signal === 0) return { ...ended, exitCode: code, signal: null }
  throw new AttemptLost(lostWords[state.state] ?? `Slurm ended it as ${state.state} (${state.reason || 'no reason'})`)
}

const lostWords: Record<string, string | undefined> = {
  NODE_FAIL: 'its node of the cluster failed',
  BOOT_FAIL: 'its node of the cluster did not boot',
  PREEMPTED: 'Slurm gave its place to a job of higher priority (preempted)',
}

function bySlurm(
  state: JobState | null,
  said: string,
): Pick<DrivenEnd, 'said'> & { oomKilled?: true; oomProbably?: true } {
  if (state?.state === 'OUT_OF_MEMORY') return { oomKilled: true }
  // Its memory is looked at from time to time; Slurm calls that a failed launch.
  if (memoryWords.test(said)) return { oomKilled: true, oomProbably: true }
  if (state?.state === 'TIMEOUT') return exit('Slurm ended it at the time limit of its partition')
  if (state?.state === 'DEADLINE') return exit('Slurm ended it at its deadline')
  if (state?.state === 'CANCELLED') return exit('cancelled in Slurm (scancel) and not from here')
  return {}
}

const exit = (message: string): Pick<DrivenEnd, 'said'> => ({ said: { message, errorClass: 'exit' } })
