/** Values of secrets for a job that is made: the one way by which they leave the store. */
import { audit } from '../access/audit.ts'
import { systemPrincipal, type Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { globalVariables, noteRead, openValue, textOfValue, variablesSeenBy } from '../events/variable-store.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { Deps } from './deps.ts'

/**
 * By name, as the owner sees them: their own before global ones. Audited as `secret.use` with the names and `target`
 * (e.g. `event_run:<id>`). Throws `failed_precondition` that names each one which is missing or no secret, in `fields`
 * as `secrets.<name>`.
 */
export async function readSecrets(
  tx: Queryable,
  { sealer }: Pick<Deps, 'sealer'>,
  ownerId: string,
  names: readonly string[],
  target?: string,
): Promise<Record<string, string>> {
  const wanted = [...new Set(names)]
  if (wanted.length === 0) return {}
  const rows = await variablesSeenBy(tx, ownerId, wanted)
  const byName = new Map(rows.map((row) => [row.name, row]))
  const fields = wanted.flatMap((name): FieldProblem[] => {
    const row = byName.get(name)
    if (row?.secret) return []
    const why = row === undefined ? 'there is no such secret' : 'is a variable, not a secret'
    return [{ field: `secrets.${name}`, message: `${why}: runyard secret set ${name}` }]
  })
  if (fields.length > 0) {
    const all = fields.map(({ field, message }) => `${field}: ${message}`).join('; ')
    throw new AppError('failed_precondition', all, { fields })
  }
  const values = rows.map((row) => [row.name, textOfValue(openValue(row, sealer))] as const)
  await noteRead(
    tx,
    rows.map(({ id }) => id),
  )
  const { rows: owners } = await tx.query<{ username: string; role: Role }>({
    name: 'secrets_owner',
    text: 'select username, role from users where id = $1::bigint',
    values: [ownerId],
  })
  await audit(tx, {
    actor: { kind: 'user', userId: ownerId, ...owners[0]! },
    action: 'secret.use',
    ...(target === undefined ? {} : { target }),
    result: 'done',
    detail: { names: wanted },
  })
  return Object.fromEntries(values)
}

/** One that is an administrator's, for what administrators configured: the same for all, whatever the owner has. */
export async function readGlobalSecret(
  { db, sealer }: Pick<Deps, 'db' | 'sealer'>,
  name: string,
  target: string,
): Promise<string> {
  return db.tx(async (tx) => {
    const [row] = await globalVariables(tx, [name])
    if (row?.secret !== true) {
      const message = `there is no global secret ${name}: runyard secret set --global ${name}`
      throw new AppError('failed_precondition', message)
    }
    const value = textOfValue(openValue(row, sealer))
    await noteRead(tx, [row.id])
    await audit(tx, { actor: systemPrincipal, action: 'secret.use', target, result: 'done', detail: { names: [name] } })
    return value
  })
}
