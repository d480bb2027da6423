/** Texts of messages under a name. */
import type { Scope } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { Json } from '../lib/json.ts'

export interface TemplateRow {
  name: string
  ownerId: string
  owner: string
  description: string | null
  input: Record<string, Json>
  sample: Json
  /** Names of events whose definition in force speaks of it. */
  usedBy: string[]
  createdAt: Date
  updatedAt: Date
}

/** Who looks, and which events they may see. */
export interface Namer {
  scope: Scope
  userId: string | null
}

/** `$2`: whose events are named; null: everybody's; `$3`: none. A definition names it in its message or in an action's. */
const shown = `t.name, t.owner_id as "ownerId", u.username as owner, t.description, t.input, t.sample,
  t.created_at as "createdAt", t.updated_at as "updatedAt", array(
    select e.name from events e join event_versions v on v.event_id = e.id and v.number = e.version
    where e.status <> 'archived' and not $3::boolean and ($2::bigint is null or e.shared or e.owner_id = $2) and (
      v.definition->'message'->>'template' = t.name
      or exists (select from json_array_elements(v.definition->'actions') a
        where a->'do'->'message'->>'template' = t.name))
    order by e.name limit 50) as "usedBy"`

/** By name; all, or the one of that name. */
export async function listTemplates(
  db: Queryable,
  name: string | null,
  { scope, userId }: Namer,
): Promise<TemplateRow[]> {
  const { rows } = await db.query<TemplateRow>(
    `select ${shown} from message_templates t join users u on u.id = t.owner_id
     where $1::text is null or t.name = $1 order by t.name limit 1000`,
    [name, scope === 'all' ? null : (userId ?? '0'), scope === 'none'],
  )
  return rows
}

/** Null: there is none. */
export async function templateInput(tx: Queryable, name: string): Promise<Record<string, Json> | null> {
  const { rows } = await tx.query<{ input: Record<string, Json> }>({
    name: 'reactions_template',
    text: 'select input from message_templates where name = $1',
    values: [name],
  })
  return rows[0]?.input ?? null
}

export interface PutTemplate {
  name: string
  description: string | null
  input: Record<string, Json>
  sample: Json
}

/** Locked; the owner of one that is there. */
export async function templateOwner(tx: Queryable, name: string): Promise<string | null> {
  const { rows } = await tx.query<{ ownerId: string }>(
    'select owner_id as "ownerId" from message_templates where name = $1 for update',
    [name],
  )
  return rows[0]?.ownerId ?? null
}

/** The owner stays whoever made it. */
export const putTemplate = (tx: Queryable, ownerId: string, put: PutTemplate): Promise<unknown> =>
  tx.query(
    `insert into message_templates (name, owner_id, description, input, sample) values ($1, $2, $3, $4, $5)
     on conflict (name) do update set description = excluded.description, input = excluded.input,
       sample = excluded.sample, updated_at = now()`,
    [put.name, ownerId, put.description, JSON.stringify(put.input), JSON.stringify(put.sample)],
  )

export const deleteTemplate = (tx: Queryable, name: string): Promise<unknown> =>
  tx.query('delete from message_templates where name = $1', [name])
