/** Where things are by default, by who we are. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { availableParallelism, homedir, hostname, totalmem } from 'node:os'
import { join } from 'node:path'

/** What defaults are computed from; a test gives its own. */
export interface Surroundings {
  uid: number
  home: string
  hostname: string
  cores: number
  memoryMib: number
  env: Record<string, string | undefined>
}

export const thisMachine = (env: Record<string, string | undefined>): Surroundings => ({
  uid: process.getuid?.() ?? 1000,
  home: homedir(),
  hostname: hostname(),
  cores: availableParallelism(),
  memoryMib: Math.floor(totalmem() / 1024 / 1024),
  env,
})

export const dataDirOf = ({ uid, home, env }: Surroundings): string =>
  uid === 0 ? '/var/lib/runyard' : join(env.XDG_DATA_HOME || join(home, '.local/share'), 'runyard')

export function runDirOf({ uid, env }: Surroundings, dataDir: string): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 8)
  if (uid === 0) return join('/run/runyard', hash)
  const runtime = env.XDG_RUNTIME_DIR
  // A session that was entered with `su` names the runtime directory of a user who may not be logged in.
  if (runtime && existsSync(runtime)) return join(runtime, 'runyard', hash)
  return join('/tmp', `runyard-${uid}`, hash)
}
