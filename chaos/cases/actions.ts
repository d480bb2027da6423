/** Servers killed between the end of an event's run and what follows from it: each action takes effect exactly once. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDb } from '../../src/db/pool.ts'
import { killActions } from '../../test/action-kills.ts'
import { randomOf } from '../random.ts'

export const usage = '[--times 1000] [--seed N]'

export async function run({ times = '1000', seed = String(Date.now() % 100_000) }: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-chaos-actions-'))
  // As root, PostgreSQL runs as another user, who must pass.
  await chmod(dir, 0o711)
  const embedded = await startEmbedded({ dataDir: join(dir, 'data'), runDir: join(dir, 'run') })
  const db = openDb({ connectionString: embedded.url, max: 4 })
  try {
    await migrate(db)
    const random = randomOf(seed)
    const since = performance.now()
    const killed = await killActions(
      { db, databaseUrl: embedded.url, dataDir: dir },
      { lives: Number(times), random: random.next },
    )
    const seconds = Math.round((performance.now() - since) / 1000)
    console.log(JSON.stringify({ seed, seconds, ...killed }, null, 2))
    return killed.violations.length === 0 ? 0 : 1
  } finally {
    await db.end()
    await embedded.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
