/** Changes of variables. Each locks its row, so that what depends on the value before it (a sum) loses nothing. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import {
  openValue,
  sealValue,
  textOfValue,
  variableColumns,
  type VariablePlace,
  type VariableRow,
} from './variable-store.ts'

export const variableLimits = {
  /** Of one value, as text. */
  bytes: 64 * 1024,
  /** Of one account, and of the global ones together; a script that names them after its input makes a million. */
  each: 5000,
} as const

export interface VariableContent {
  /** Anything that JSON has. */
  value: unknown
  secret: boolean
  description: string | null
}

export type HeldVariable = VariableRow & { value: unknown }

/**
 * `next` gets what is there, null: nothing. It may throw, and is asked again when somebody else was first to make it.
 * Throws `resource_exhausted` when there are too many, `invalid_argument` for a value that is too long.
 */
export async function changeVariable(
  tx: Queryable,
  sealer: Sealer,
  { place, name, by }: { place: VariablePlace; name: string; by: string },
  next: (before: HeldVariable | null) => VariableContent,
): Promise<VariableRow & { created: boolean }> {
  for (;;) {
    const before = await lockVariable(tx, sealer, place, name)
    const content = next(before)
    const bytes = checkedSize(content.value)
    const version = before === null ? '1' : String(BigInt(before.version) + 1n)
    const sealed = sealValue(content.value, { ...place, name, version }, sealer)
    if (before === null) await checkRoom(tx, place)
    const values = [content.secret, content.description, sealed, version, bytes, by]
    const { rows } = await tx.query<VariableRow>(
      before === null
        ? {
            name: 'variable_insert',
            text: `insert into variables as v
                (secret, description, value_sealed, version, bytes, updated_by, scope, owner_id, name)
              values ($1, $2, $3, $4::bigint, $5, $6, $7, $8::bigint, $9)
              on conflict (coalesce(owner_id, 0), name) do nothing returning ${variableColumns}`,
            values: [...values, place.scope, place.ownerId, name],
          }
        : {
            name: 'variable_update',
            text: `update variables v set secret = $1, description = $2, value_sealed = $3, version = $4::bigint,
                bytes = $5, updated_by = $6, updated_at = now()
              where v.id = $7::bigint returning ${variableColumns}`,
            values: [...values, before.id],
          },
    )
    if (rows[0] !== undefined) return { ...rows[0], created: before === null }
  }
}

async function lockVariable(
  tx: Queryable,
  sealer: Sealer,
  { ownerId }: VariablePlace,
  name: string,
): Promise<HeldVariable | null> {
  const { rows } = await tx.query<VariableRow>({
    name: 'variable_lock',
    text: `select ${variableColumns} from variables v
      where coalesce(v.owner_id, 0) = coalesce($1::bigint, 0) and v.name = $2 for update`,
    values: [ownerId, name],
  })
  return rows[0] ? { ...rows[0], value: openValue(rows[0], sealer) } : null
}

function checkedSize(value: unknown): number {
  const bytes = Buffer.byteLength(textOfValue(value))
  if (bytes <= variableLimits.bytes) return bytes
  const message = `has ${bytes} bytes: at most ${variableLimits.bytes}; what is larger is an output or an artefact`
  throw new AppError('invalid_argument', `the value ${message}`, { fields: [{ field: 'value', message }] })
}

async function checkRoom(tx: Queryable, { ownerId }: VariablePlace): Promise<void> {
  const { rows } = await tx.query<{ full: boolean }>({
    name: 'variables_full',
    text: `select count(*) >= ${variableLimits.each} as full from variables where coalesce(owner_id, 0) = coalesce($1::bigint, 0)`,
    values: [ownerId],
  })
  if (!rows[0]!.full) return
  throw new AppError('resource_exhausted', `there are ${variableLimits.each} variables: delete some first`)
}

/** What was there; null: nothing. `check` may refuse it. */
export async function deleteVariable(
  tx: Queryable,
  { ownerId }: VariablePlace,
  name: string,
  check: (row: VariableRow) => void = () => {},
): Promise<VariableRow | null> {
  const { rows } = await tx.query<VariableRow>({
    name: 'variable_delete_lock',
    text: `select ${variableColumns} from variables v
      where coalesce(v.owner_id, 0) = coalesce($1::bigint, 0) and v.name = $2 for update`,
    values: [ownerId, name],
  })
  const [row] = rows
  if (row === undefined) return null
  check(row)
  await tx.query('delete from variables where id = $1::bigint', [row.id])
  return row
}
