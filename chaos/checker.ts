/**
 * The judge. It knows nothing of how Runyard works: it compares what the users were told, the rows, the witnesses' own
 * words, the stored bytes and the host, and says where they contradict each other. Pure.
 */
import { checkAttempts } from './checker/attempts.ts'
import { checkAudit } from './checker/audit.ts'
import { checkGuards } from './checker/guards.ts'
import { checkLogs } from './checker/logs.ts'
import { checkPromises } from './checker/promises.ts'
import type { Violation } from './checker/violation.ts'
import { checkWitnesses } from './checker/witnesses.ts'
import type { Evidence } from './evidence.ts'
import type { Hurt } from './faults.ts'

export type { Violation } from './checker/violation.ts'

/** Database connections, and those of users and runners that happen to be open. */
const filesSlack = 50

export function check(evidence: Evidence): Violation[] {
  return [
    ...checkPromises(evidence),
    ...checkWitnesses(evidence),
    ...checkAttempts(evidence),
    ...checkLogs(evidence),
    ...checkGuards(evidence),
    ...checkAudit(evidence),
    ...checkCrashes(evidence),
    ...Object.entries(evidence.stopped)
      .filter(([, code]) => code !== 0)
      .map(([name, code]): Violation => ({
        kind: 'crash',
        message: `${name} did not stop in order: ${code}`,
        evidence: [],
      })),
    ...evidence.openFiles
      .filter(({ before, after }) => after > before * 1.05 + filesSlack)
      .map((each): Violation => ({
        kind: 'leftover',
        message: `${each.name} has ${each.after} files open, ${each.before} when it began`,
        evidence: [],
      })),
    ...evidence.leftovers.map((left): Violation => ({ kind: 'leftover', message: `left over: ${left}`, evidence: [] })),
  ]
}

/** Nothing ends because something else has died. */
function checkCrashes({ crashes, faults }: Evidence): Violation[] {
  return crashes
    .filter(({ ending }) => {
      // Who finds nobody while it starts may say so and end; whoever started it starts it again.
      const starting = ending.code === 1 && ending.at - ending.startedAt < 40_000
      const hit = faults.some(
        ({ victim, at, backAt }) => cutsOff[victim] && at <= ending.at && backAt >= ending.startedAt,
      )
      return !(starting && hit)
    })
    .map(({ name, ending }) => ({
      kind: 'crash',
      message: `${name} ended by itself after ${ending.at - ending.startedAt} ms: code ${ending.code}, signal ${ending.signal}`,
      evidence: ending.words.split('\n'),
    }))
}

/** What keeps a server from its database, or a runner from all servers. */
const cutsOff: Partial<Record<Hurt, true>> = { postgres: true, link: true, server: true, disk: true }
