import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { aRunner, aUser } from '../../test/factories.ts'
import { good, queueWorld } from '../../test/queue-world.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { createDirectoryBlobStore } from '../logs/blobs/directory-blob-store.ts'
import { logPath } from '../logs/log-files.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import type { LogStore } from '../logs/log-store.ts'
import { createSharedLogs } from '../logs/shared-logs.ts'
import { readStoredCopies } from '../logs/stored-copies.ts'
import { encodeRecord } from '../logs/records.ts'
import { finish } from '../queue/finish.ts'
import { takeLogs } from '../queue/log-places.ts'
import { joinServers } from '../queue/servers.ts'
import { attemptKey } from '../queue/types.ts'
import { createLogKeeper } from './log-keeper.ts'
import { logSweeper } from './sweep-logs.ts'

test('a log is sealed when its attempt is over, and left alone while it is written or when it is unknown here', async () => {
  const { db, drop } = await testDatabase()
  const dir = scratchDir('l')
  onTestFinished(async () => {
    await drop()
    removeScratch(dir)
  })
  const keeperOf = (logs: LogStore) =>
    createLogKeeper({ server: '1', logs, shared: null, copies: () => readStoredCopies(dir) })
  const owner = await aUser(db)
  const runner = await aRunner(db)
  const attempt = async (state: 'running' | 'lost'): Promise<string> => {
    const { rows } = await db.query<{ id: string }>(
      `with job as (
         insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, last_attempt)
         select substr(md5(random()::text), 1, 12), $1, id, $2, 'x', '{}', 5, 1, 1 from queues where name = 'default'
         returning id)
       insert into attempts (job_id, number, runner_id, state, lease_expires_at, ended_at)
       select id, 1, $3, $2, now(), case when $2 = 'lost' then now() end from job returning job_id as id`,
      [owner.id, state, runner.id],
    )
    return `${rows[0]!.id}-1`
  }
  const open = await attempt('running')
  const lost = await attempt('lost')
  const unknown = '999999-1'
  const before = createLocalLogStore(dir)
  for (const key of [open, lost, unknown]) await before.append(key, 0, encodeRecord('stdout', 1, Buffer.from('text')))
  await before.close()

  const logs = createLocalLogStore(dir)
  onTestFinished(() => logs.close())
  await logSweeper({ db, logs, shared: null, keeper: keeperOf(logs) }).runOnce()
  expect(await logs.sealed(open)).toBeNull()
  expect(await logs.sealed(lost)).toMatchObject({ stdout_bytes: 4 })
  expect(await logs.sealed(unknown)).toBeNull()
  expect(await logs.size(unknown, 'all')).toBe(4)
  expect(await logs.size(lost, 'all')).toBe(4)
})

test('copies that count no more go: when another server is there that has the log, or the shared store has it', async () => {
  const world = await queueWorld()
  const [dir, store] = [scratchDir('l'), scratchDir('blobs')]
  const logs = createLocalLogStore(dir)
  onTestFinished(async () => {
    await logs.close()
    for (const one of [dir, store]) removeScratch(one)
  })
  const [me, other] = [
    await joinServers(world.db, { name: 'me', version: '1' }),
    await joinServers(world.db, { name: 'other', version: '1' }),
  ]
  const shared = createSharedLogs(createDirectoryBlobStore(store))
  const keeper = createLogKeeper({ server: me.id, logs, shared, copies: () => readStoredCopies(dir) })
  await world.submit({}, {}, {}, {}, {})
  const runner = await world.runner()
  const jobs = await runner.claim()
  const [partElsewhere, wholeElsewhere, wholeRunning, inStore, onlyHere] = jobs.map(attemptKey) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const record = encodeRecord('stdout', 1, Buffer.from('text'))
  for (const job of jobs) await logs.append(attemptKey(job), 0, record)
  for (const key of [wholeElsewhere, wholeRunning, inStore, onlyHere]) await logs.seal(key)
  await takeLogs(
    world.db,
    jobs.slice(0, 3).map((ref) => ({ ...runner.from, ref })),
    other.id,
  )
  await keeper.seal(inStore)
  await until(() => existsSync(logPath(dir, partElsewhere, 'live')))
  const over = (nrs: number[], at: { server: string; shared: boolean }) =>
    finish(
      world.db,
      nrs.map((nr) => ({ ...runner.from, ref: jobs[nr]!, outcome: good, log: sums })),
      undefined,
      at,
    )
  await over([1], { server: other.id, shared: false })
  await over([3, 4], { server: me.id, shared: true })

  // Another database, or this server under a name that was lost: nothing goes.
  await world.db.query(`update servers set last_seen_at = now() - interval '1 hour' where name = 'other'`)
  await logSweeper({ db: world.db, logs, shared: null, keeper }).runOnce()
  for (const job of jobs) expect(await logs.size(attemptKey(job), 'all')).toBe(4)

  await world.db.query(`update servers set last_seen_at = now() where name = 'other'`)
  await logSweeper({ db: world.db, logs, shared, keeper }).runOnce()
  const left = []
  for (const key of jobs.map(attemptKey)) left.push(await logs.size(key, 'all'))
  expect(left).toEqual([0, 0, 4, 0, 0])
  for (const key of [inStore, onlyHere]) expect(await shared.size(key, 'all')).toBe(4)
  expect(await shared.sealed(partElsewhere)).toBeNull()
})

const sums = { length: 19, stdout_bytes: 4, stderr_bytes: 0, truncated_bytes: 0 }
