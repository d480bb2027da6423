/**
 * A server's loops for ends of events, in a process of its own that kills itself (SIGKILL) where it is told to: started
 * as a program by `action-kills.ts`.
 */
import { createSealer } from '../src/access/secrets.ts'
import { loadConfig } from '../src/config/config.ts'
import { openDb } from '../src/db/pool.ts'
import { createClosing } from '../src/operations/closing.ts'
import type { Deps } from '../src/operations/deps.ts'
import { eventHooks } from '../src/operations/event-hooks.ts'
import type { EventHooks } from '../src/reactions/event-hooks.ts'
import { fireDue } from '../src/reactions/fire.ts'
import { settleEnded } from '../src/reactions/settle.ts'

/**
 * `found`: the end was seen, nothing is written. `settling`: all of it is written, not committed. `settled`: the one
 * before is committed. `firing`: what the action does is done, not committed. `fired`: the one before is committed.
 * Wherever it is to die, it ends when nothing is left: another one may have taken all that there was.
 */
export const points = ['found', 'settling', 'settled', 'firing', 'fired', 'never'] as const
export interface SettlingProcess {
  databaseUrl: string
  dataDir: string
  point: (typeof points)[number]
  /** At its n-th time. */
  nth: number
}

export const sealerKey = Buffer.alloc(32, 7)

async function live({ databaseUrl, dataDir, point, nth }: SettlingProcess): Promise<void> {
  const db = openDb({ connectionString: databaseUrl, max: 3 })
  const config = loadConfig({ env: { RUNYARD_DATA_DIR: dataDir } })
  const deps = { db, config, sealer: createSealer(sealerKey), closing: createClosing() } as Deps
  const hooks = eventHooks(deps)
  let times = 0
  const at = (here: string): void => {
    if (here === point && ++times >= nth) process.kill(process.pid, 'SIGKILL')
  }
  const killing: EventHooks = {
    ...hooks,
    async applyFileResults(tx, jobId) {
      at('found')
      if (times > 0) at('settled')
      await hooks.applyFileResults(tx, jobId)
      if (point === 'settled') times++
    },
    async admitWaiting(tx, eventKey) {
      await hooks.admitWaiting(tx, eventKey)
      at('settling')
    },
    async perform(tx, firing, names) {
      at('fired')
      const performed = await hooks.perform(tx, firing, names)
      at('firing')
      return performed
    },
  }
  process.stdout.write('ready\n')
  for (let idle = 0; idle < 3;) {
    const settled = await settleEnded(db, killing)
    const nextMs = await fireDue(db, killing)
    idle = settled === 0 && nextMs === undefined ? idle + 1 : 0
  }
  await db.end()
}

if (process.argv[2]?.startsWith('{')) await live(JSON.parse(process.argv[2]!) as SettlingProcess)
