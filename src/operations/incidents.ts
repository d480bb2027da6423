/** Failures that are alike, incidents with their timelines, and the rules by which these open and close. */
import { may, scopeOf, type Action } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { closeIncident } from '../failures/close-incidents.ts'
import { findGroups, muteGroup, type GroupRow } from '../failures/find-groups.ts'
import {
  acknowledge,
  countOpenIncidents,
  findIncidents,
  lockIncident,
  timelineOf,
  type IncidentState,
  type ShownIncidentRow,
} from '../failures/find-incidents.ts'
import { changeRules, incidentRules, type IncidentRules } from '../failures/rules.ts'
import { showSource } from '../failures/source.ts'
import { addEntry } from '../failures/timeline.ts'
import { AppError } from '../lib/app-error.ts'
import { publicIdPattern } from '../lib/ids.ts'
import { missingChannels } from '../reactions/channels.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { tellIncidents } from './failure-services.ts'

/** Undefined: everybody's. */
function ownerSeen(ask: KnownAsk): string | undefined {
  const scope = scopeOf(ask.principal, 'incident.read')
  if (scope === 'all') return undefined
  if (scope === 'none' || ask.principal.userId === null)
    throw refusal(ask, 'incident.read', 'you may not see incidents')
  return ask.principal.userId
}

export interface ListGroupsInput {
  event?: string | undefined
  search?: string | undefined
  muted?: boolean | undefined
  since?: string | undefined
  cursor?: string | undefined
  limit: number
}

export async function listFailureGroups(deps: Deps, anyAsk: Ask, { cursor, limit, since, ...rest }: ListGroupsInput) {
  const ownerId = ownerSeen(known(anyAsk))
  const filter = { ...rest, ownerId, since: since === undefined ? undefined : new Date(since) }
  const rows = await findGroups(deps.db, filter, { before: cursor, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  return { groups: shown.map(showGroup), next_cursor: rows.length > limit ? shown.at(-1)!.key : null }
}

const showGroup = (row: GroupRow) => ({
  ...{ id: row.publicId, source: showSource(row.source, row.eventName), owner: row.owner, state: row.state },
  ...{ exit_code: row.exitCode, pattern: row.pattern, sample: row.sample, total: row.total, open: row.open },
  ...{ first_at: row.firstAt.toISOString(), last_at: row.lastAt.toISOString(), hours: row.hours, muted: row.muted },
  incident_id: row.incident,
})

export async function muteFailureGroup(deps: Deps, anyAsk: Ask, { id, muted }: { id: string; muted: boolean }) {
  const ask = known(anyAsk)
  const act = { action: muted ? 'failure_group.mute' : 'failure_group.unmute', target: `failure_group:${id}` }
  await audited(deps, ask, act, async (tx) => {
    const row = await groupOf(tx, ask, id)
    checkMayAct(ask, row, muted ? 'mute' : 'unmute')
    await muteGroup(tx, row.key, muted)
  })
  return showGroup(await groupOf(deps.db, ask, id))
}

async function groupOf(db: Queryable, ask: KnownAsk, id: string): Promise<GroupRow> {
  mayAtAll(ask)
  const ownerId = ownerSeen(ask)
  const [row] = publicIdPattern.test(id) ? await findGroups(db, { ownerId, id }, { limit: 1 }) : []
  if (row === undefined) throw notFound('group of failures')
  return row
}

export interface ListIncidentsInput {
  state?: IncidentState[] | undefined
  event?: string | undefined
  search?: string | undefined
  cursor?: string | undefined
  limit: number
}

export async function listIncidents(deps: Deps, anyAsk: Ask, { cursor, limit, ...rest }: ListIncidentsInput) {
  const ownerId = ownerSeen(known(anyAsk))
  const [open, rows] = await Promise.all([
    countOpenIncidents(deps.db, ownerId),
    findIncidents(deps.db, { ...rest, ownerId }, { before: cursor, limit: limit + 1 }),
  ])
  const shown = rows.slice(0, limit)
  return { incidents: shown.map(show), next_cursor: rows.length > limit ? shown.at(-1)!.key : null, open }
}

const show = (row: ShownIncidentRow) => ({
  ...{ id: row.publicId, kind: row.kind, title: row.title, source: showSource(row.source, row.eventName) },
  ...{ owner: row.owner, state: row.state, failures: Number(row.failures), group_id: row.group },
  ...{ opened_at: row.openedAt.toISOString(), acknowledged_by: row.acknowledgedBy },
  ...{ closed_at: row.closedAt?.toISOString() ?? null, closed_by: row.closedBy },
})

export async function getIncident(deps: Deps, anyAsk: Ask, id: string) {
  const row = await incidentOf(deps.db, known(anyAsk), id)
  const timeline = await timelineOf(deps.db, row.key)
  return {
    ...show(row),
    timeline: timeline.map(({ at, kind, text, job }) => ({ at: at.toISOString(), kind, text, job_id: job })),
  }
}

async function incidentOf(db: Queryable, ask: KnownAsk, id: string): Promise<ShownIncidentRow> {
  const ownerId = ownerSeen(ask)
  const [row] = publicIdPattern.test(id) ? await findIncidents(db, { ownerId, id }, { limit: 1 }) : []
  if (row === undefined) throw notFound('incident')
  return row
}

export interface ActOnIncidentInput {
  id: string
  action: 'acknowledge' | 'close' | 'note'
  note?: string | undefined
}

export async function actOnIncident(deps: Deps, anyAsk: Ask, { id, action, note: words }: ActOnIncidentInput) {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: `incident.${action}`, target: `incident:${id}` }, async (tx) => {
    mayAtAll(ask)
    const row = await incidentOf(tx, ask, id)
    checkMayAct(ask, row, action === 'note' ? 'add to' : action)
    const by = ask.principal.username
    const text = words?.trim() ?? ''
    if (action === 'note' && text === '') throw wrong('note', 'write something')
    const state = await lockIncident(tx, row.key)
    if (action === 'note') return void (await addEntry(tx, row.key, { kind: 'note', text: `${by}: ${text}` }))
    if (state === 'closed') throw new AppError('conflict', 'this incident is closed already')
    if (action === 'close') {
      return closeIncident(tx, row, { text: `closed by ${by}${said(text)}`, by }, tellIncidents)
    }
    await acknowledge(tx, row.key, by)
    await addEntry(tx, row.key, { kind: 'acknowledged', text: `${by} looks into it${said(text)}` })
  })
  return getIncident(deps, ask, id)
}

const said = (text: string): string => (text === '' ? '' : `: ${text}`)

const wrong = (field: string, message: string): AppError =>
  new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })

function mayAtAll(ask: KnownAsk, action: Action = 'incident.act'): void {
  if (may(ask.principal, action)) return
  const what = action === 'incident.act' ? 'act on incidents' : 'change the rules of incidents'
  throw refusal(ask, action, `your role (${ask.principal.role}) may not ${what}`)
}

function checkMayAct(ask: KnownAsk, row: { ownerId: string }, verb: string): void {
  if (may(ask.principal, 'incident.act', row)) return
  throw new AppError('permission_denied', `only the owner or an administrator may ${verb} it`)
}

export async function getIncidentRules(deps: Deps, anyAsk: Ask): Promise<IncidentRules> {
  ownerSeen(known(anyAsk))
  return incidentRules(deps.db)
}

export async function putIncidentRules(
  deps: Deps,
  anyAsk: Ask,
  changed: Partial<IncidentRules>,
): Promise<IncidentRules> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'incident_rules.change' }, async (tx, note) => {
    mayAtAll(ask, 'incident.change_rules')
    const given = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined))
    const { channels = [] } = changed
    const missing = await missingChannels(tx, channels)
    if (missing.length > 0) {
      const { message } = missing[0]!
      throw new AppError('invalid_argument', `channels: ${message}`, { fields: [{ field: 'channels', message }] })
    }
    note(given)
    return changeRules(tx, given)
  })
}
