/** What a failure means for people: an incident that opens, goes on or is open again. In the transaction that grouped it. */
import type { Queryable } from '../db/pool.ts'
import { newPublicId } from '../lib/ids.ts'
import { incidentRules, type IncidentRules } from './rules.ts'
import { readSource, showSource } from './source.ts'
import { addEntry, noteMoreFailures } from './timeline.ts'

export type IncidentKind = 'new' | 'repeated' | 'flapping' | 'late'

/** Failures of one group that were just found. */
export interface Hit {
  key: string
  publicId: string
  /** Nobody has seen this pattern before. */
  fresh: boolean
  ownerId: string
  source: string
  eventKey: string | null
  pattern: string
  sample: string
  failures: number
  /** Public id of the newest job among them. */
  lastJob: string
}

/** For the channels that hear of it, once for each `about`. */
export interface IncidentNotice {
  about: string
  ownerId: string
  channels: string[]
  incident: string
  what: 'opened' | 'reopened' | 'closed'
  kind: IncidentKind
  title: string
  source: ReturnType<typeof showSource>
  failures: number
  /** The newest error, or why it closed. */
  text: string
  job: string | null
  opened_at: string
}

/** Writes down who is told, in the transaction of what happened. */
export type TellIncidents = (tx: Queryable, notices: readonly IncidentNotice[]) => Promise<void>

/** A pattern that comes back within this time is the same trouble. */
const reopenWithinSeconds = 3600

export interface IncidentRow {
  key: string
  publicId: string
  ownerId: string
  source: string
  eventKey: string | null
  kind: IncidentKind
  title: string
  failures: string
  openedAt: Date
}

export const incidentColumns = `i.id as key, i.public_id as "publicId", i.owner_id as "ownerId", i.source,
  i.event_id as "eventKey", i.kind, i.title, i.failures, i.opened_at as "openedAt"`

export async function noteFailures(tx: Queryable, hits: readonly Hit[], tell: TellIncidents): Promise<void> {
  if (hits.length === 0) return
  const rules = await incidentRules(tx)
  for (const hit of hits) await noteHit(tx, hit, rules, tell)
}

async function noteHit(tx: Queryable, hit: Hit, rules: IncidentRules, tell: TellIncidents): Promise<void> {
  const { rows } = await tx.query<IncidentRow & { open: boolean }>({
    name: 'incident_of_group',
    text: `select ${incidentColumns}, closed_at is null as open from incidents i
      where group_id = $1 and (closed_at is null or closed_at > now() - make_interval(secs => ${reopenWithinSeconds}))
      order by closed_at desc nulls first, id desc limit 1 for update`,
    values: [hit.key],
  })
  const [found] = rows
  if (found !== undefined) return goOn(tx, found, hit, tell)
  const kind = await meaningOf(tx, hit, rules)
  if (kind === null) return
  await openIncident(
    tx,
    { ...hit, kind, groupKey: hit.key, text: hit.sample, job: hit.lastJob, title: titleOf(kind, hit) },
    tell,
  )
}

/** Null: no reason to disturb anybody. */
async function meaningOf(
  tx: Queryable,
  { key, fresh, source }: Hit,
  rules: IncidentRules,
): Promise<'new' | 'repeated' | null> {
  // Whoever tries a command by hand sees that it fails.
  if (fresh && rules.new_patterns && readSource(source).kind !== 'job') return 'new'
  const { rows } = await tx.query<{ many: boolean }>({
    name: 'failures_repeated',
    text: `select count(*) >= $3::int as many from (
        select from dead_letters where group_id = $1 and at > now() - make_interval(secs => $2) limit $3::int
      ) recent`,
    values: [key, rules.repeated_seconds, rules.repeated_times],
  })
  return rows[0]!.many ? 'repeated' : null
}

const titleOf = (kind: 'new' | 'repeated', { sample }: Hit): string =>
  `${kind === 'new' ? 'fails as never before' : 'fails again and again'}: ${sample.replaceAll(/\s+/g, ' ').trim()}`.slice(
    0,
    200,
  )

async function goOn(
  tx: Queryable,
  found: IncidentRow & { open: boolean },
  { failures, sample, lastJob }: Hit,
  tell: TellIncidents,
): Promise<void> {
  const all = Number(found.failures) + failures
  await tx.query(
    `update incidents set failures = $2, state = case when closed_at is null then state else 'open' end,
       acknowledged_by = case when closed_at is null then acknowledged_by end, closed_at = null, closed_by = null
     where id = $1`,
    [found.key, all],
  )
  if (found.open) return noteMoreFailures(tx, found.key, failures, lastJob)
  const entry = await addEntry(tx, found.key, { kind: 'reopened', text: sample.slice(0, 500), job: lastJob })
  await tellOf(tx, { ...found, failures: String(all) }, { what: 'reopened', text: sample, job: lastJob, entry }, tell)
}

export interface NewIncident {
  ownerId: string
  source: string
  eventKey: string | null
  groupKey: string | null
  kind: IncidentKind
  title: string
  text: string
  failures: number
  job: string | null
  /** Its channels have heard of it in another way. */
  quiet?: boolean
}

/** False: one of its kind is open already. */
export async function openIncident(tx: Queryable, incident: NewIncident, tell: TellIncidents): Promise<boolean> {
  const { rows } = await tx.query<IncidentRow>({
    name: 'incident_open',
    text: `insert into incidents as i (public_id, owner_id, source, event_id, group_id, kind, title, failures)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning ${incidentColumns}`,
    values: [
      ...[newPublicId(), incident.ownerId, incident.source, incident.eventKey, incident.groupKey, incident.kind],
      ...[incident.title, incident.failures],
    ],
  })
  const [row] = rows
  if (row === undefined) return false
  const { text, job } = incident
  const entry = await addEntry(tx, row.key, { kind: 'opened', text: text.slice(0, 500), job })
  if (incident.quiet !== true) await tellOf(tx, row, { what: 'opened', text, job, entry }, tell)
  return true
}

export interface Told {
  what: IncidentNotice['what']
  text: string
  job: string | null
  /** Of the timeline: what makes this notice another one than the last. */
  entry: string
}

/** Whoever the event names; else whoever the installation's rules name. */
export async function tellOf(
  tx: Queryable,
  { key, eventKey, source, publicId, ownerId, kind, title, failures, openedAt }: IncidentRow,
  { what, text, job, entry }: Told,
  tell: TellIncidents,
): Promise<void> {
  const { rows } = await tx.query<{ named: string[] | null; usual: string[]; event: string | null }>({
    name: 'incident_channels',
    text: `select r.channels as usual, e.name as event,
        array(select json_array_elements_text(v.definition->'incident_channels')) as named
      from incident_rules r left join events e on e.id = $1
        left join event_versions v on v.event_id = e.id and v.number = e.version`,
    values: [eventKey],
  })
  const { named, usual, event } = rows[0]!
  const channels = named !== null && named.length > 0 ? named : usual
  if (channels.length === 0) return
  await tell(tx, [
    {
      ...{ about: `incident:${publicId}:${entry}`, ownerId, channels, incident: publicId, what, kind, title },
      ...{ source: showSource(source, event), failures: Number(failures), text: text.slice(0, 1000), job },
      opened_at: openedAt.toISOString(),
    },
  ])
  await addEntry(tx, key, { kind: 'notified', text: `told ${channels.join(', ')}` })
}
