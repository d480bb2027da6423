import { endedByMinute } from '../queue/throughput.ts'
import { known, type Ask, type Deps } from './deps.ts'
import { ownerScope } from './find-jobs.ts'

/** Jobs that the asker may see, by the minute in which they ended. */
export async function jobThroughput(deps: Deps, ask: Ask, minutes: number) {
  const rows = await endedByMinute(deps.db, minutes, ownerScope(known(ask)))
  return { minutes: rows.map(({ at, ...counts }) => ({ at: at.toISOString(), ...counts })) }
}
