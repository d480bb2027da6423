/** A database of its own for the benches of the queue alone: its verbs, without runner, sandbox and HTTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { openDb, type Db } from '../src/db/pool.ts'
import { jobSpecSchema } from '../src/job/spec.ts'
import { newPublicId } from '../src/lib/ids.ts'
import { claim } from '../src/queue/claim.ts'
import { finish } from '../src/queue/finish.ts'
import { registerRunner } from '../src/queue/runners.ts'
import { started } from '../src/queue/started.ts'
import { submit } from '../src/queue/submit.ts'
import type { ClaimedJob, FromRunner, NewJob } from '../src/queue/types.ts'

export interface Bench {
  db: Db
  ownerId: string
  runner: FromRunner
  submit(count: number): Promise<void>
  claim(slots: number): Promise<ClaimedJob[]>
  started(jobs: ClaimedJob[]): Promise<void>
  /** Each with a log of a thousand bytes. */
  finish(jobs: ClaimedJob[]): Promise<void>
}

export async function withCluster<T>(use: (open: (name: string) => Promise<Bench>) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-bench-'))
  const embedded = await startEmbedded({ dataDir: dir, runDir: dir })
  const opened: Db[] = []
  const admin = openDb(embedded.adminUrl)
  opened.push(admin)
  try {
    return await use(async (name) => {
      await admin.query(`create database ${name} owner runyard`)
      const db = openDb(embedded.url.replace('@/runyard?', `@/${name}?`))
      opened.push(db)
      await migrate(db)
      return benchOf(db)
    })
  } finally {
    for (const db of opened) await db.end()
    await embedded.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function benchOf(db: Db): Promise<Bench> {
  const { rows } = await db.query<{ id: string }>(
    `insert into users (username, password_hash, role, max_running) values ('bench', '!', 'operator', 1000000) returning id`,
  )
  const ownerId = rows[0]!.id
  const size = { slots: 2000, cpuMillis: 1_000_000, memoryMib: 1_000_000 }
  const { runnerId } = await registerRunner(db, {
    ...{ name: 'bench', session: 'bench', version: '0', hostname: 'bench', labels: {}, facilities: {} },
    ...size,
    executors: ['sandbox'],
  })
  const from = { runnerId, session: 'bench' }
  const spec = { ...jobSpecSchema.parse({ command: ['true'] }), name: 'true' }
  const job = (): NewJob => ({ publicId: newPublicId(), spec, envSealed: null, laneCpuMillis: 0, laneMemoryMib: 0 })
  const log = { length: 1000, stdout_bytes: 984, stderr_bytes: 0, truncated_bytes: 0 }
  const outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 } as const
  return {
    db,
    ownerId,
    runner: from,
    async submit(count) {
      await db.tx((tx) => submit(tx, { ownerId, jobs: Array.from({ length: count }, job) }))
    },
    async claim(slots) {
      const offer = { ...from, ...size, slots, messages: 0, held: [] }
      return (await claim(db, [offer], { leaseSeconds: 30 })).get(runnerId)!
    },
    async started(jobs) {
      await started(
        db,
        jobs.map((ref) => ({ ...from, ref, startedAt: new Date() })),
      )
    },
    async finish(jobs) {
      await finish(
        db,
        jobs.map((ref) => ({ ...from, ref, outcome, log })),
      )
    },
  }
}
