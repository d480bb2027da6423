/** What one of all servers does about failures, and how channels hear of it. */
import type { Queryable } from '../db/pool.ts'
import { openIncident, type IncidentNotice } from '../failures/open-incidents.ts'
import { failureServices as services } from '../failures/services.ts'
import { eventSource, pipelineSource } from '../failures/source.ts'
import type { Service } from '../lib/service.ts'
import { noteIncidents } from '../reactions/outbox.ts'
import type { LateTick } from '../schedules/late.ts'
import type { Deps } from './deps.ts'

export const failureServices = (deps: Deps): Service[] =>
  services(deps.db, tellIncidents, { retainDays: deps.config.retainDays })

export const tellIncidents = (tx: Queryable, notices: readonly IncidentNotice[]): Promise<void> =>
  noteIncidents(
    tx,
    notices.map(({ about, ownerId, channels, incident, kind, ...facts }) => ({
      ...{ about, ownerId, channels },
      incident: { ...facts, id: incident, trouble: kind },
    })),
  )

/** Whoever is told that a schedule is late is told that already. */
export async function openLateIncidents(tx: Queryable, late: readonly LateTick[]): Promise<void> {
  for (const { event, pipeline, name, ownerId, tick, outcome, reason, late_after_seconds: after } of late) {
    const what = outcome === 'started' ? `had not begun ${after} s after it was due` : 'did not start'
    const { rows } = await tx.query<{ id: string }>('select id from events where public_id = $1', [
      event?.publicId ?? '',
    ])
    await openIncident(
      tx,
      {
        ...{
          ownerId,
          eventKey: rows[0]?.id ?? null,
          groupKey: null,
          kind: 'late',
          failures: 0,
          job: null,
          quiet: true,
        },
        source: event === null ? pipelineSource(pipeline!) : eventSource(event.publicId),
        title: `schedule ${name} ${outcome === 'started' ? 'is late' : 'did not start'}`,
        text: `The run of ${tick.toISOString()} ${what}${reason === null ? '' : `: ${reason}`}.`,
      },
      tellIncidents,
    )
  }
}
