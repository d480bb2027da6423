/** Variables for people: lists by name, and which events use one. */
import type { Queryable } from '../db/pool.ts'
import { variableColumns, type VariablePlace, type VariableRow, type VariableScope } from './variable-store.ts'

export type ShownVariableRow = VariableRow & {
  /** Username; null: global. */
  owner: string | null
  usedBy: string[]
}

export interface VariableFilter {
  /** Whose own ones stand beside the global ones. */
  ownerId: string
  scope?: VariableScope | undefined
  secret?: boolean | undefined
  search?: string | undefined
}

/** By name, one's own before a global one of that name. */
export async function listVariables(
  db: Queryable,
  { ownerId, scope, secret, search }: VariableFilter,
  { after, limit }: { after: { name: string; scope: VariableScope } | null; limit: number },
): Promise<ShownVariableRow[]> {
  const { rows } = await db.query<VariableRow & { owner: string | null }>(
    `select ${variableColumns}, u.username as owner
     from variables v left join users u on u.id = v.owner_id
     where (v.owner_id = $1::bigint or v.owner_id is null) and ($2::text is null or v.scope = $2)
       and ($3::boolean is null or v.secret = $3) and ($4::text is null or position(lower($4) in lower(v.name)) > 0)
       and ($5::text is null or (v.name collate "C", v.owner_id is null) > ($5 collate "C", $6::boolean))
     order by v.name collate "C", v.owner_id is null limit $7`,
    [ownerId, scope ?? null, secret ?? null, search ?? null, after?.name ?? null, after?.scope === 'global', limit],
  )
  return withUses(db, ownerId, rows)
}

export async function findVariable(
  db: Queryable,
  place: VariablePlace,
  name: string,
  /** Whose events are told. */
  asker: string,
): Promise<ShownVariableRow | null> {
  const { rows } = await db.query<VariableRow & { owner: string | null }>(
    `select ${variableColumns}, u.username as owner from variables v left join users u on u.id = v.owner_id
     where coalesce(v.owner_id, 0) = coalesce($1::bigint, 0) and v.name = $2`,
    [place.ownerId, name],
  )
  return (await withUses(db, asker, rows))[0] ?? null
}

/**
 * Events of the asker whose definition in force has the name as a word of its own: in quotes, behind a helper's name as
 * bash has it, or as `vars.NAME` or `secrets.NAME`. What a script puts together at run time is not found.
 */
async function withUses(
  db: Queryable,
  asker: string,
  rows: readonly (VariableRow & { owner: string | null })[],
): Promise<ShownVariableRow[]> {
  if (rows.length === 0) return []
  const names = [...new Set(rows.map(({ name }) => name))]
  const { rows: uses } = await db.query<{ name: string; events: string[] }>(
    `select n.name, array_agg(e.name order by e.name) as events
     from unnest($2::text[], $3::text[]) as n(name, pattern)
     join events e on e.owner_id = $1::bigint and e.status <> 'archived'
     join event_versions d on d.event_id = e.id and d.number = e.version
     where position(n.name in d.definition::text) > 0 and d.definition::text ~ n.pattern
     group by n.name`,
    [asker, names, names.map(patternOf)],
  )
  const byName = new Map(uses.map(({ name, events }) => [name, events]))
  return rows.map((row) => ({ ...row, usedBy: byName.get(row.name) ?? [] }))
}

const patternOf = (name: string): string => {
  const word = name.replaceAll('.', '\\.')
  return `(["']|(vars|secrets)\\.|[Vv]ariable )${word}($|[^A-Za-z0-9_.-])`
}
