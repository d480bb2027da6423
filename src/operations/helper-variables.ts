/** Variables as the helpers of an attempt see them: its owner's, then global ones; of secrets those that its event lists. */
import type { Queryable } from '../db/pool.ts'
import type { HeldAttempt } from '../events/attempt-results.ts'
import { noteRead, openValue, variablesSeenBy } from '../events/variable-store.ts'
import { AppError } from '../lib/app-error.ts'
import type { Deps } from './deps.ts'
import { openEnv } from './new-job.ts'

export async function readVariable(
  tx: Queryable,
  deps: Pick<Deps, 'sealer'>,
  held: HeldAttempt,
  name: string,
): Promise<{ exists: boolean; value?: unknown; secret?: true }> {
  const [row] = await variablesSeenBy(tx, held.owner.userId, [name])
  if (row?.secret) return { exists: true, value: await listedSecret(tx, deps, held, name), secret: true }
  if (row === undefined) return { exists: false }
  await noteRead(tx, [row.id])
  return { exists: true, value: openValue(row, deps.sealer) }
}

/**
 * As the attempt was given it: that value is masked in its log, and a newer one would not be. Handed over when the run
 * began, which is when its use was audited.
 */
async function listedSecret(
  tx: Queryable,
  deps: Pick<Deps, 'sealer'>,
  { publicId, ref, run }: HeldAttempt,
  name: string,
): Promise<string> {
  const { rows } = await tx.query<{ variable: string | null; sealed: Buffer | null }>({
    name: 'helpers_secret',
    text: `select j.env_sealed as sealed, (select key from event_runs r, json_each_text(r.definition->'secrets')
        where r.public_id = $2 and value = $3 order by key limit 1) as variable
      from jobs j where j.id = $1::bigint`,
    values: [ref.jobKey, run, name],
  })
  const { variable, sealed } = rows[0]!
  const value = variable === null ? undefined : openEnv(sealed, publicId, deps).secret_env[variable]
  if (value !== undefined) return value
  const how = run === null ? 'give it to the job as secret_env' : 'list it under secrets of the event'
  throw new AppError('permission_denied', `${name} is a secret: ${how}`)
}

/** Names alone, of secrets too. */
export async function namesFor(tx: Queryable, { owner }: HeldAttempt) {
  const { rows } = await tx.query<{ name: string; scope: 'user' | 'global'; secret: boolean }>({
    name: 'helpers_names',
    text: `select distinct on (name collate "C") name, scope, secret from variables
      where owner_id = $1::bigint or owner_id is null order by name collate "C", owner_id nulls last`,
    values: [owner.userId],
  })
  return rows
}
