/** The environment of a job as it is stored: sealed, and bound to its job, so that a row copied to another does not open. */
import type { SealedEnv } from '../job/spec.ts'
import type { Sealer } from './secrets.ts'

export const jobEnvAad = (publicId: string): string => `job-env:${publicId}`

/** Null for an empty one. */
export function sealJobEnv(env: SealedEnv, publicId: string, sealer: Sealer): Buffer | null {
  const { script, request } = env
  const bare = script === undefined && request === undefined
  const empty = bare && Object.keys(env.env).length === 0 && Object.keys(env.secret_env).length === 0
  return empty ? null : sealer.seal(Buffer.from(JSON.stringify(env)), jobEnvAad(publicId))
}

/** Throws as `Sealer.open` does. */
export function openJobEnv(sealed: Buffer | null, publicId: string, sealer: Sealer): SealedEnv {
  if (sealed === null) return { env: {}, secret_env: {} }
  return JSON.parse(sealer.open(sealed, jobEnvAad(publicId)).toString()) as SealedEnv
}
