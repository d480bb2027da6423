/**
 * Variables and secrets as rows. A value is JSON text, sealed for its row: its scope, owner, name and version. So a row
 * that is copied to another name or account does not open, nor does an old value that is put back.
 */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'

export type VariableScope = 'user' | 'global'

/** Whose: of one account, or of all. */
export type VariablePlace = { scope: 'user'; ownerId: string } | { scope: 'global'; ownerId: null }

export const placeOf = (scope: VariableScope, ownerId: string): VariablePlace =>
  scope === 'user' ? { scope, ownerId } : { scope, ownerId: null }

export interface VariableRow {
  id: string
  scope: VariableScope
  ownerId: string | null
  name: string
  secret: boolean
  description: string | null
  valueSealed: Buffer
  /** bigint. */
  version: string
  bytes: number
  updatedBy: string
  createdAt: Date
  updatedAt: Date
  lastReadAt: Date | null
}

export const variableColumns = `v.id, v.scope, v.owner_id as "ownerId", v.name, v.secret, v.description,
  v.value_sealed as "valueSealed", v.version::text, v.bytes, v.updated_by as "updatedBy", v.created_at as "createdAt",
  v.updated_at as "updatedAt", v.last_read_at as "lastReadAt"`

export type SealedFor = Pick<VariableRow, 'scope' | 'ownerId' | 'name' | 'version'>

export const variableAad = ({ scope, ownerId, name, version }: SealedFor): string =>
  `variable:${scope}:${ownerId ?? 0}:${name}:${version}`

/** `value`: anything that JSON has. */
export const sealValue = (value: unknown, row: SealedFor, sealer: Sealer): Buffer =>
  sealer.forPurpose('variable').seal(JSON.stringify(value), variableAad(row))

/** Throws as `Sealer.open` does. */
export const openValue = (row: SealedFor & Pick<VariableRow, 'valueSealed'>, sealer: Sealer): unknown =>
  JSON.parse(sealer.forPurpose('variable').open(row.valueSealed, variableAad(row)).toString())

/** A text as it is; everything else as JSON. */
export const textOfValue = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** What a name means to an account: its own one before a global one. In the order of the names. */
export async function variablesSeenBy(
  db: Queryable,
  ownerId: string,
  names: readonly string[],
): Promise<VariableRow[]> {
  if (names.length === 0) return []
  const { rows } = await db.query<VariableRow>({
    name: 'variables_seen_by',
    text: `select distinct on (v.name) ${variableColumns} from variables v
      where v.name = any($2::text[]) and (v.owner_id = $1::bigint or v.owner_id is null)
      order by v.name, v.owner_id nulls last`,
    values: [ownerId, names],
  })
  return rows
}

export async function globalVariables(db: Queryable, names: readonly string[]): Promise<VariableRow[]> {
  const { rows } = await db.query<VariableRow>({
    name: 'variables_global',
    text: `select ${variableColumns} from variables v where v.owner_id is null and v.name = any($1::text[])`,
    values: [names],
  })
  return rows
}

/** By a job or an event; looking at it on a page does not count. */
export async function noteRead(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  // To the minute: a loop that reads one must not write its row each time.
  await tx.query({
    name: 'variables_read',
    text: `update variables set last_read_at = now()
      where id = any($1::bigint[]) and coalesce(last_read_at < now() - interval '1 minute', true)`,
    values: [ids],
  })
}
