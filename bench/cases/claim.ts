/**
 * How long a claim takes with nothing, 1,000, 10,000 and 1,000,000 jobs waiting, half of them behind a user whose cap is
 * used up. A database of its own, thrown away afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/db/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDb, type Db } from '../../src/db/pool.ts'
import { messagesAtOnce } from '../../src/job/message.ts'
import { jobSpecSchema } from '../../src/job/spec.ts'
import { newPublicId } from '../../src/lib/ids.ts'
import { claim } from '../../src/queue/claim.ts'
import { finish } from '../../src/queue/finish.ts'
import { registerRunner } from '../../src/queue/runners.ts'
import { submit } from '../../src/queue/submit.ts'
import type { NewJob } from '../../src/queue/types.ts'
import { percentile, type Figure } from '../figures.ts'

const slots = 8

export async function claimCost(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-bench-'))
  const embedded = await startEmbedded({ dataDir: dir, runDir: dir })
  const db = openDb(embedded.url)
  try {
    await migrate(db)
    const owners = await Promise.all(['open', 'capped'].map((name) => aUser(db, name)))
    for (const owner of owners) await submitOne(db, owner)
    const runner = await registerRunner(db, {
      name: 'bench',
      session: 'bench',
      version: '0',
      hostname: 'bench',
      labels: {},
      slots,
      cpuMillis: 64_000,
      memoryMib: 64_000,
      executors: ['sandbox'],
      facilities: {},
    })
    const none = await claims(db, runner.runnerId, 100)
    await fill(db, 1000)
    // As many rounds as the open half of them lasts.
    const thousand = await claims(db, runner.runnerId, 60)
    const figures: Figure[] = []
    for (const [waiting, rounds] of [
      [10_000, 300],
      [1_000_000, 300],
    ] as const) {
      await fill(db, waiting)
      const samples = await claims(db, runner.runnerId, rounds)
      for (const share of [0.5, 0.99]) {
        figures.push({
          name: `claim of ${slots}, ${waiting.toLocaleString('en')} waiting, p${share * 100}`,
          value: percentile(samples, share),
          unit: 'ms',
          control: { name: '1,000 waiting', value: percentile(thousand, share) },
        })
      }
    }
    figures.push({ name: 'claim when nothing is waiting, p50', value: percentile(none, 0.5), unit: 'ms' })
    return figures
  } finally {
    await db.end()
    await embedded.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function aUser(on: Db, name: string): Promise<string> {
  const { rows } = await on.query<{ id: string }>(
    `insert into users (username, password_hash, role, max_running) values ($1, '!', 'operator', $2) returning id`,
    [name, name === 'capped' ? 0 : 1_000_000],
  )
  return rows[0]!.id
}

async function submitOne(on: Db, ownerId: string): Promise<void> {
  const spec = { ...jobSpecSchema.parse({ command: ['true'] }), name: 'true' }
  const job: NewJob = { publicId: newPublicId(), spec, envSealed: null, laneCpuMillis: 0, laneMemoryMib: 0 }
  await on.tx((tx) => submit(tx, { ownerId, jobs: [job] }))
}

async function fill(on: Db, waiting: number): Promise<void> {
  const perStatement = 50_000
  for (let done = 0; done < waiting; done += perStatement) {
    await on.query(
      `insert into jobs (public_id, owner_id, queue_id, lane_id, state, rank, name, spec, priority, max_attempts)
       select translate(gen_random_uuid()::text, '-', ''), owner_id, queue_id, lane_id, 'queued', rank + n, name, spec, 5, 1
       from (select * from jobs where length(public_id) = 12 order by id limit 2) one, generate_series(1, $1) n`,
      [Math.min(perStatement, waiting - done) / 2],
    )
  }
}

async function claims(on: Db, runnerId: string, rounds: number): Promise<number[]> {
  const from = { runnerId, session: 'bench' }
  const samples: number[] = []
  for (let i = 0; i < rounds; i++) {
    const offer = { ...from, slots, messages: messagesAtOnce, cpuMillis: 64_000, memoryMib: 64_000, held: [] }
    const begin = performance.now()
    const jobs = (await claim(on, [offer], { leaseSeconds: 30 })).get(runnerId)!
    samples.push(performance.now() - begin)
    await finish(
      on,
      jobs.map((ref) => ({ ...from, ref, outcome: { state: 'succeeded' as const }, log: null })),
    )
  }
  return samples
}
