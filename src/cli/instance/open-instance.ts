/** What `up` and `server` do before anything else: private directories, the lock, the door for clients. */
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../lib/app-error.ts'
import type { Config } from '../../config/config.ts'
import { version } from '../version.ts'
import { readFacts, removeFacts, writeFacts } from './files.ts'
import { hostInstance, type HostOptions, type InstanceHost } from './host.ts'
import { ensureInstanceId, takeLock } from './lock.ts'
import { ensureOwnDir } from './own-dir.ts'

export interface OpenInstance extends InstanceHost {
  id: string
}

/** Another process holds the data directory. */
export class Held extends AppError {
  constructor(dataDir: string, pid: number | undefined) {
    const who = pid === undefined ? 'another Runyard' : `another Runyard (process ${pid})`
    super(
      'conflict',
      `${who} is using the data directory ${dataDir}; stop it (runyard down) or choose another --data-dir`,
    )
  }
}

export async function openInstance(
  config: Config,
  options: Omit<HostOptions, 'runDir' | 'version'>,
): Promise<OpenInstance> {
  await ensureOwnDir('data', config.dataDir)
  const id = await ensureInstanceId(config.dataDir)
  const lock = await takeLock(id, 'server')
  if (lock === undefined) throw new Held(config.dataDir, (await readFacts(config.dataDir, 'instance.json'))?.pid)
  // Only now: until it let go of the lock, a predecessor may have removed it.
  await ensureOwnDir('run', config.runDir)
  const host = await hostInstance({ ...options, runDir: config.runDir, version })
  await writeFacts(config.dataDir, 'instance.json', { pid: process.pid, run_dir: config.runDir, version })
  return {
    ...host,
    id,
    /** Clients stay connected until the process ends: that is how they see that nothing is left. */
    async close() {
      await host.closeDoor()
      await removeFacts(config.dataDir, 'instance.json')
      await leaveRunDir(config.runDir)
      await lock.release()
    },
  }
}

/** Only what is empty: a runner that outlives us, its launcher and its pipes keep the directory, and the last removes it. */
async function leaveRunDir(runDir: string): Promise<void> {
  for (const dir of [join(runDir, 'pg'), runDir]) await rmdir(dir).catch(() => {})
}
