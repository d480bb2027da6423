/** Logs and rows agree: a log whose attempt is over is sealed, and one whose job is gone goes too. */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import type { LogStore } from '../logs/log-store.ts'

const batch = 500

export function logSweeper(db: Db, logs: LogStore, everyMs = 3600_000): Service {
  return {
    name: 'logs.sweep',
    every: everyMs,
    async runOnce() {
      const sums = { sealed: 0, removed: 0 }
      let some: { key: string; sealed: boolean }[] = []
      const look = async (): Promise<void> => {
        const now = await statesOf(
          db,
          some.map((log) => log.key),
        )
        for (const { key, sealed } of some) {
          const state = now.get(key)
          if (state === undefined) {
            await logs.remove(key)
            sums.removed += 1
          } else if (state === 'over' && !sealed) {
            await logs.seal(key)
            sums.sealed += 1
          }
        }
        some = []
      }
      for await (const { attemptKey, sealed } of logs.list()) {
        some.push({ key: attemptKey, sealed })
        if (some.length >= batch) await look()
      }
      if (some.length > 0) await look()
      if (sums.sealed + sums.removed > 0) emitFact({ name: 'logs.swept', ...sums })
    },
  }
}

async function statesOf(db: Db, keys: string[]): Promise<Map<string, 'open' | 'over'>> {
  const { rows } = await db.query<{ key: string; over: boolean }>(
    `select k.key, a.ended_at is not null as over from unnest($1::text[]) as k(key)
     join attempts a on a.job_id = split_part(k.key, '-', 1)::bigint and a.number = split_part(k.key, '-', 2)::int`,
    [keys],
  )
  return new Map(rows.map((row) => [row.key, row.over ? 'over' : 'open']))
}
