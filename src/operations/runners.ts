import { may } from '../access/permissions.ts'
import { listRunners as findRunners, type RunnerRow } from '../queue/runners.ts'
import { known, refusal, type Ask, type Deps } from './deps.ts'

export async function listRunners(deps: Deps, anyAsk: Ask) {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'runner.read')) throw refusal(ask, 'runner.read', 'you may not see runners')
  return (await findRunners(deps.db)).map((row) => ({
    id: row.id,
    name: row.name,
    state: row.state,
    version: row.version,
    hostname: row.hostname,
    labels: Object.fromEntries(row.labels.map((label) => splitLabel(label))),
    slots: row.slots,
    slots_used: row.slotsUsed,
    cpu_millis: row.cpuMillis,
    memory_mib: row.memoryMib,
    executors: row.executors,
    facilities: row.facilities as JsonValue,
    registered_at: row.registeredAt.toISOString(),
    last_seen_at: row.lastSeenAt.toISOString(),
    certificate: certificateOf(row),
    taken_over:
      row.takenOverFrom === null || row.takenOverAt === null
        ? null
        : { from: row.takenOverFrom, at: row.takenOverAt.toISOString() },
  }))
}

function certificateOf({ certificateId, certificateEndsAt, certificateRevokedAt }: RunnerRow) {
  if (certificateId === null || certificateEndsAt === null) return null
  const revokedAt = certificateRevokedAt?.toISOString() ?? null
  return { id: certificateId, ends_at: certificateEndsAt.toISOString(), revoked_at: revokedAt }
}

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

function splitLabel(label: string): [string, string] {
  const at = label.indexOf('=')
  return [label.slice(0, at), label.slice(at + 1)]
}
