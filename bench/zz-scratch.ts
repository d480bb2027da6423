import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { openDb } from '../src/db/pool.ts'
import { jobSpecSchema } from '../src/job/spec.ts'
import { newPublicId } from '../src/lib/ids.ts'
import { claim } from '../src/queue/claim.ts'
import { finish } from '../src/queue/finish.ts'
import { registerRunner } from '../src/queue/runners.ts'
import { submit } from '../src/queue/submit.ts'
const dir = await mkdtemp(join(tmpdir(), 'runyard-scr-'))
const embedded = await startEmbedded({ dataDir: dir, runDir: dir })
const options = process.argv.includes('--explain') ? "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=300 -c auto_explain.log_analyze=on -c auto_explain.log_nested_statements=on -c auto_explain.log_timing=off" : ''
const db = openDb({ connectionString: embedded.url, options })
try {
  await migrate(db)
  if (process.argv.includes('--notrig')) await db.query('alter table jobs disable trigger user')
  const user = (await db.query<{id:string}>(`insert into users (username,password_hash,role,max_running) values ('a','x','admin',100000) returning id`)).rows[0]!.id
  const n = Number(process.argv[2] ?? 10000)
  for (let round = 0; round < 2; round++) {
  let t = performance.now()
  const lap = (w: string) => { console.log(w, (performance.now() - t).toFixed(0)); t = performance.now() }
  const jobs = Array.from({ length: n }, () => { const spec = jobSpecSchema.parse({ command: ['true'] }); return { publicId: newPublicId(), spec: { ...spec, name: 'x' }, envSealed: null, laneCpuMillis: 0, laneMemoryMib: 0 } })
  await db.tx((tx, last) => submit(tx, { ownerId: user, jobs: jobs as never }, last))
  lap('submit')
  const r = await registerRunner(db, { name: 'b', session: 'b', version: '0', hostname: 'b', labels: {}, slots: 100000, cpuMillis: 64000, memoryMib: 64000, executors: ['sandbox'], facilities: {} })
  const got = [...(await claim(db, [{ runnerId: r.runnerId, session: 'b', slots: n, cpuMillis: 64000, memoryMib: 64000, held: [] }], { leaseSeconds: 30 })).values()].flat()
  lap('claim ' + got.length)
  await finish(db, got.map((ref) => ({ runnerId: r.runnerId, session: 'b', ref, outcome: { state: 'succeeded' as const, exit_code: 0, remaining_processes: 0 }, log: null })))
  lap('finish')
  }
} finally { await db.end(); if (process.argv.includes('--explain')) { const {execSync}=await import('node:child_process'); console.log(execSync(`find ${dir} -name '*.log' | xargs cat | tail -c 14000`).toString()) } await embedded.stop(); await rm(dir, { recursive: true, force: true }) }
