/**
 * Seals the logs of attempts that are over and were never sealed, e.g. because the server died just then. It removes
 * nothing: with the wrong DATABASE_URL every log would look like an orphan.
 */
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
      let sealed = 0
      let open: string[] = []
      const sealThoseOver = async (): Promise<void> => {
        for (const key of await over(db, open)) {
          await logs.seal(key)
          sealed += 1
        }
        open = []
      }
      for await (const log of logs.list()) {
        if (!log.sealed) open.push(log.attemptKey)
        if (open.length >= batch) await sealThoseOver()
      }
      if (open.length > 0) await sealThoseOver()
      if (sealed > 0) emitFact({ name: 'logs.sealed_late', count: sealed })
    },
  }
}

async function over(db: Db, keys: string[]): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>(
    `select k.key from unnest($1::text[]) as k(key)
     join attempts a on a.job_id = split_part(k.key, '-', 1)::bigint and a.number = split_part(k.key, '-', 2)::int
     where a.ended_at is not null`,
    [keys],
  )
  return rows.map((row) => row.key)
}
