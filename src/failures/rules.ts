/** When incidents open and close, and who hears of it where the event names nobody. One row of the database. */
import type { Queryable } from '../db/pool.ts'

export interface IncidentRules {
  channels: string[]
  repeated_times: number
  repeated_seconds: number
  new_patterns: boolean
  close_after_successes: number
  close_after_seconds: number
}

const columns = `channels, repeated_times, repeated_seconds, new_patterns, close_after_successes, close_after_seconds`

export async function incidentRules(db: Queryable): Promise<IncidentRules> {
  const { rows } = await db.query<IncidentRules>({
    name: 'incident_rules',
    text: `select ${columns} from incident_rules`,
  })
  return rows[0]!
}

export async function changeRules(tx: Queryable, changed: Partial<IncidentRules>): Promise<IncidentRules> {
  await tx.query('select from incident_rules for update')
  const rules = { ...(await incidentRules(tx)), ...changed }
  await tx.query(
    `update incident_rules set channels = $1, repeated_times = $2, repeated_seconds = $3, new_patterns = $4,
       close_after_successes = $5, close_after_seconds = $6`,
    [
      ...[rules.channels, rules.repeated_times, rules.repeated_seconds, rules.new_patterns],
      ...[rules.close_after_successes, rules.close_after_seconds],
    ],
  )
  return rules
}
