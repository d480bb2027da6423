/**
 * No secret becomes an output. A masked value would go on to the next task as if it were one; so it is left out, and the
 * job says so. Asked here, where the secrets are whatever became of the runner process that was given them.
 */
import type { Outcome } from '../job/outcome.ts'
import type { Outputs } from '../job/outputs.ts'
import { compileSecrets, createRedactor } from '../logs/redactor.ts'
import type { AttemptRef } from '../queue/types.ts'
import type { Deps } from './deps.ts'
import { openEnv } from './new-job.ts'

/** Those without one; the others are named in `outcome.message`. */
export async function withoutSecrets(
  deps: Pick<Deps, 'db' | 'sealer'>,
  ref: AttemptRef,
  outputs: Outputs,
  outcome: Outcome,
): Promise<Outputs | undefined> {
  const { rows } = await deps.db.query<{ id: string; sealed: Buffer | null }>({
    name: 'outputs_secrets',
    text: 'select public_id as id, env_sealed as sealed from jobs where id = $1::bigint',
    values: [ref.jobKey],
  })
  const [job] = rows
  if (!job) return undefined
  const secrets = compileSecrets(Object.values(openEnv(job.sealed, job.id, deps).secret_env))
  const isClean = ([, value]: [string, string]): boolean => {
    const redactor = createRedactor(secrets)
    const raw = Buffer.from(value)
    return Buffer.concat([redactor.push(raw), redactor.flush()]).equals(raw)
  }
  const all = Object.entries(outputs)
  const clean = all.filter(isClean)
  const secret = all.filter((one) => !clean.includes(one)).map(([name]) => name)
  if (secret.length > 0) {
    const words = `output ${secret.join(', ')} has a secret in it: left out`
    outcome.message = outcome.message ? `${outcome.message}; ${words}` : words
  }
  return clean.length > 0 ? Object.fromEntries(clean) : undefined
}
