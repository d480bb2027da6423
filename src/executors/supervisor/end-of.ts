/** What is known of a death → how the attempt ended. */
import type { Usage } from '../../job/outcome.ts'
import type { Ended, ReportFound, StopReason } from '../executor.ts'
import { signalOf } from '../sandbox/status.ts'
import type { End } from './end.ts'
import type { Death } from './judge.ts'

export interface Circumstances {
  startedAt: number
  endedAt: number
  reason: StopReason | undefined
  usage: Usage
  remaining: number
  unenforced: string[]
  report?: ReportFound
  filesLate: boolean
  notReached?: string[] | undefined
}

export function endOf(death: Death, circumstances: Circumstances): End {
  if (death.lost !== undefined) return { lost: death.lost }
  if (death.refused) return { refused: { errorClass: death.refused.errorClass, message: death.refused.message } }
  return { ended: resultOf(death, circumstances) }
}

function resultOf(death: Death, circumstances: Circumstances): Extract<End, { ended: unknown }>['ended'] {
  const { code, signal, reported = null, oomKills = 0 } = death
  const { startedAt, endedAt, reason, usage, remaining, unenforced, report, filesLate, notReached = [] } = circumstances
  // Without bubblewrap's line the monitor itself was killed, and its own end is the attempt's.
  const killed = reported === null && signal !== null
  const exitCode = killed ? null : (reported ?? code)
  const bySignal = killed ? signal : signalOf(exitCode)
  const ended: Omit<Ended, 'startedAt' | 'endedAt'> = {
    exitCode,
    signal: bySignal,
    ...(reason === undefined ? {} : { reason }),
    oomKills,
    oomKilled: oomKills > 0 && bySignal === 'SIGKILL',
    usage,
    remaining,
    unenforced,
    ...(report === undefined ? {} : { report }),
    ...(filesLate ? { filesLate } : {}),
    ...(notReached.length > 0 ? { notReached } : {}),
  }
  return { ...ended, startedAt, endedAt }
}
