/**
 * The judge. It knows nothing of how Runyard works: it compares what the users were told, the rows, the witnesses' own
 * words, the stored bytes and the host, and says where they contradict each other. Pure.
 */
import { checkAttempts } from './checker/attempts.ts'
import { checkLogs } from './checker/logs.ts'
import { checkPromises } from './checker/promises.ts'
import type { Violation } from './checker/violation.ts'
import { checkWitnesses } from './checker/witnesses.ts'
import type { Evidence } from './evidence.ts'

export type { Violation } from './checker/violation.ts'

export function check(evidence: Evidence): Violation[] {
  return [
    ...checkPromises(evidence),
    ...checkWitnesses(evidence),
    ...checkAttempts(evidence),
    ...checkLogs(evidence),
    ...checkCrashes(evidence),
    ...Object.entries(evidence.stopped)
      .filter(([, code]) => code !== 0)
      .map(([name, code]): Violation => ({
        kind: 'crash',
        message: `${name} did not stop in order: ${code}`,
        evidence: [],
      })),
    ...evidence.leftovers.map((left): Violation => ({ kind: 'leftover', message: `left over: ${left}`, evidence: [] })),
  ]
}

/** Nothing ends because something else has died. */
function checkCrashes({ crashes, faults }: Evidence): Violation[] {
  return crashes
    .filter(({ name, ending }) => {
      // A server whose database dies while it starts may say so and end; whoever started it starts it again.
      const starting = ending.code === 1 && ending.at - ending.startedAt < 20_000
      const hit = faults.some(({ victim, at }) => victim === 'postgres' && at >= ending.startedAt && at <= ending.at)
      return !(name === 'server' && starting && hit)
    })
    .map(({ name, ending }) => ({
      kind: 'crash',
      message: `${name} ended by itself after ${ending.at - ending.startedAt} ms: code ${ending.code}, signal ${ending.signal}`,
      evidence: ending.words.split('\n'),
    }))
}
