import { rmSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  empty,
  eventTables,
  opened,
  place,
  restored,
  rowsOf,
  someEvents,
  source,
  text,
} from '../../test/backup-world.ts'
import { checkCounts, good, lease } from '../../test/queue-world.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { audit } from '../access/audit.ts'
import { sealAudit, verifyAudit } from '../access/audit-chain.ts'
import { createKeyring } from '../access/keyring.ts'
import { ensureKeys } from '../access/keys.ts'
import { systemPrincipal } from '../access/permissions.ts'
import { dumpSchema } from '../db/dump-schema.ts'
import { migrate } from '../db/migrate.ts'
import type { Db } from '../db/pool.ts'
import { openValue, variablesSeenBy } from '../events/variable-store.ts'
import { createDirectoryBlobStore } from '../logs/blobs/directory-blob-store.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { encodeRecord } from '../logs/records.ts'
import { createSharedLogs } from '../logs/shared-logs.ts'
import { shortLog } from '../logs/short-log.ts'
import { heartbeat } from '../queue/heartbeat.ts'
import { recordLogSizes } from '../queue/log-sizes.ts'
import { registerRunner } from '../queue/runners.ts'
import { joinServers } from '../queue/servers.ts'
import { attemptKey, type AttemptRef } from '../queue/types.ts'

// Several databases each, and the first one starts their server.
vi.setConfig({ testTimeout: 60_000 })

test('a restored system has the rows, the logs, the keys and the schema of the old one', async () => {
  const from = await source()
  const [done, waiting, after] = await from.submit({ command: ['a', 'täb\t\\N\n"'] }, { priority: 0 }, {})
  await from.submit({ depends_on: [waiting!] })
  const runner = await from.runner()
  const job = await runner.claimOne()
  await from.log(job, 'all of it', true)
  await runner.finish(job, { ...good, message: 'back\\slash' })
  await from.db.query('update jobs set env_sealed = $2 where public_id = $1', [after, Buffer.from([0, 10, 92, 255])])
  await audit(from.db, {
    actor: systemPrincipal,
    action: 'test',
    target: '\\.',
    result: 'done',
    detail: { big: 2 ** 53 },
  })
  await sealAudit(from.db)
  await someEvents(from, job)

  const { counts, bytes } = await from.backup()
  expect(counts).toMatchObject({ jobs: 4, users: 1, running: 0, logs: 1, logs_missing: 0 })
  expect((await stat(from.file)).mode & 0o777).toBe(0o600)
  expect((await stat(from.file)).size).toBe(bytes)

  const [to, url] = [place(), await empty()]
  expect(await restored(from.file, to, url)).toMatchObject({ again: 0, lost: 0, waiting: 3, migrated: [] })
  const db = opened(url)
  const migrated = opened(await empty())
  await migrate(migrated)
  expect(await dumpSchema(db)).toBe(await dumpSchema(migrated))
  for (const table of ['users', 'queues', 'lanes', 'jobs', 'job_dependencies', 'attempts', 'audit_seals', 'api_tokens'])
    expect(await rowsOf(db, table), table).toEqual(await rowsOf(from.db, table))
  for (const table of eventTables) {
    const rows = await rowsOf(db, table)
    expect(rows, table).toEqual(await rowsOf(from.db, table))
    expect(rows, table).not.toEqual([])
  }
  const ring = createKeyring([(await ensureKeys(to.config)).secretKey])
  const [variable] = await variablesSeenBy(db, from.userId, ['api'])
  expect(openValue(variable!, ring)).toEqual({ deep: ['é', 1] })
  expect(await rowsOf(db, 'runners', ['session', 'state'])).toEqual(
    await rowsOf(from.db, 'runners', ['session', 'state']),
  )
  await checkCounts(db)
  await sealAudit(db)
  expect(await verifyAudit(db)).toMatchObject({ ok: true, checked: 2 })
  for (const key of ['secret.key', 'jwt.key'])
    expect(await readFile(join(to.dataDir, 'secrets', key))).toEqual(await readFile(join(from.dataDir, 'secrets', key)))
  expect(await text(to.dataDir, job)).toEqual({ bytes: 'all of it', sealed: true })
  expect((await readdir(to.dataDir)).filter((name) => name.startsWith('.'))).toEqual([])
  const deletion = (): Promise<unknown> => db.query('delete from audit_log').catch((error: Error) => error.message)
  expect(await deletion()).toMatch(/permission denied/)
  await db.query('grant delete on audit_log to current_user')
  expect(await deletion()).toMatch(/append-only/)
  expect(done).toBeDefined()
})

test('it is one moment, whatever happens meanwhile', async () => {
  const from = await source()
  await from.submit(...Array.from({ length: 200 }, () => ({})))
  const runner = await from.runner({ slots: 1000 })
  let over = false
  const busy = (async () => {
    while (!over) {
      const [, job] = [await from.submit({}, { depends_on: [] }), await runner.claimOne()]
      await runner.finish(job)
    }
  })()
  const { counts } = await from.backup().finally(() => (over = true))
  await busy
  const url = await empty()
  await restored(from.file, place(), url)
  const db = opened(url)
  await checkCounts(db)
  // Each finish moves job and attempt together.
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from jobs j left join attempts a on a.job_id = j.id and a.ended_at is not null
     where (j.state = 'succeeded') <> (a.state is not distinct from 'succeeded') and j.state <> 'lost'`,
  )
  expect(rows[0]!.n).toBe(0)
  expect(counts.jobs).toBe(counts.rows['jobs'])
})

test('what was running is lost or runs again, and nobody from before can report', async () => {
  const from = await source()
  const [once, twice, follows] = await from.submit({ max_attempts: 1 }, { max_attempts: 3 }, {})
  await from.submit({ depends_on: [once!] })
  const runner = await from.runner()
  const jobs = await runner.claim({ slots: 2 })
  await runner.started(...jobs)
  for (const job of jobs) await from.log(job, 'so far', false)
  expect((await from.backup()).counts).toMatchObject({ running: 2, logs: 2 })

  const [to, url] = [place(), await empty()]
  expect(await restored(from.file, to, url)).toMatchObject({ again: 1, lost: 1 })
  const db = opened(url)
  const job = async (id: string) => (await db.query('select * from jobs where public_id = $1', [id])).rows[0]!
  expect(await job(once!)).toMatchObject({ state: 'lost', outcome: { state: 'lost', message: /backup/ } })
  const again = await job(twice!)
  expect(again).toMatchObject({ state: 'scheduled', attempts_spent: 1 })
  // Not before the keeper of its old runner has killed it.
  expect(Number(again['not_before']) - Date.now()).toBeGreaterThan(50_000)
  expect(await job(follows!)).toMatchObject({ state: 'queued' })
  for (const each of jobs) expect(await text(to.dataDir, each)).toEqual({ bytes: 'so far', sealed: true })

  const beat = (from_: { runnerId: string; session: string }) =>
    heartbeat(db, [{ ...from_, held: jobs }], lease).then((answers) => answers.get(from_.runnerId)!)
  expect((await beat(runner.from)).stale).toHaveLength(2)
  // The living old process registers again, with the session it always had.
  const { runnerId, held } = await registerRunner(db, runner.description)
  expect(held).toEqual([])
  expect((await beat({ runnerId, session: runner.from.session })).stale).toHaveLength(2)
  const { rows } = await db.query<{ token: string; id: string }>(
    `select nextval('attempt_token') as token, nextval(pg_get_serial_sequence('jobs', 'id')) as id`,
  )
  // Higher than anything that the old system can have given out meanwhile.
  for (const number of [rows[0]!.token, rows[0]!.id]) expect(Number(number)).toBeGreaterThan(Date.now() * 1000 - 60e6)
})

test('the same installation moves to another database with its logs in place', async () => {
  const from = await source()
  await from.submit({})
  const runner = await from.runner()
  const job = await runner.claimOne()
  await from.log(job, 'stays', true)
  await runner.finish(job)
  await from.backup()
  const url = await empty()
  await restored(from.file, from, url)
  expect(await text(from.dataDir, job)).toEqual({ bytes: 'stays', sealed: true })
  expect(await rowsOf(opened(url), 'attempts')).toEqual(await rowsOf(from.db, 'attempts'))
})

/** These attempts have output, says the database. */
const withoutFiles = (db: Db, refs: AttemptRef[]): Promise<void> =>
  recordLogSizes(
    db,
    refs.map((attempt) => ({ attempt, log: { length: 20, stdout_bytes: 5, stderr_bytes: 0, truncated_bytes: 0 } })),
  )

test('short logs leave their packs and come back into packs', async () => {
  const from = await source()
  await from.submit({}, {}, {}, {})
  const runner = await from.runner()
  const jobs = await runner.claim({ slots: 4 })
  for (const [i, job] of jobs.entries()) {
    if (i === 3) await from.log(job, 'appended', true)
    else await from.shortLog(job, `${i}`.repeat(3000))
    await runner.finish(job)
  }
  const expected = jobs.map((_, i) => ({ bytes: i === 3 ? 'appended' : `${i}`.repeat(1000), sealed: true }))
  expect((await from.backup()).counts).toMatchObject({ logs: 4, logs_missing: 0 })
  const to = place()
  await restored(from.file, to, await empty())
  expect(await Promise.all(jobs.map((job) => text(to.dataDir, job)))).toEqual(expected)
  expect(await readdir(join(to.dataDir, 'logs', 'packs'))).toHaveLength(1)

  // The data directory of the same installation: what is there stays, what is missing comes back.
  const logs = createLocalLogStore(join(from.dataDir, 'logs'))
  await logs.remove(attemptKey(jobs[1]!))
  await logs.close()
  await restored(from.file, from, await empty())
  expect(await Promise.all(jobs.map((job) => text(from.dataDir, job)))).toEqual(expected)
})

test('a log that is removed with its job meanwhile is no loss', async () => {
  const from = await source()
  await from.submit({}, {})
  const runner = await from.runner()
  const jobs = await runner.claim({ slots: 2 })
  for (const job of jobs) await runner.finish(job)
  await withoutFiles(from.db, jobs)
  let backup: ReturnType<typeof from.backup> | undefined
  await from.db.tx(async (tx) => {
    await tx.query('delete from jobs where id = $1', [jobs[0]!.jobKey])
    backup = from.backup()
    await until(async () => {
      const { rowCount } = await from.db.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and application_name like '% backup'`,
      )
      return rowCount > 0
    })
  })
  expect((await backup!).counts).toMatchObject({ jobs: 2, logs_missing: 1, logs_removed: 1 })
})

test('logs that are elsewhere are counted, not passed over', async () => {
  const from = await source()
  await from.submit({}, {})
  const runner = await from.runner()
  const jobs = await runner.claim({ slots: 2 })
  for (const job of jobs) await runner.finish(job)
  await withoutFiles(from.db, jobs.slice(1))
  expect((await from.backup()).counts).toMatchObject({ jobs: 2, logs: 0, logs_missing: 1 })
})

test('logs of the shared store are in the backup, and are logs of the restored system', async () => {
  const world = await source()
  const store = scratchDir('blobs')
  onTestFinished(() => removeScratch(store))
  await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  await runner.finish(job)
  const record = encodeRecord('stdout', 1, Buffer.from('in the shared store'))
  const sums = await createSharedLogs(createDirectoryBlobStore(store)).putShort(
    attemptKey(job),
    shortLog(record, record.length),
  )
  await recordLogSizes(world.db, [{ attempt: job, log: sums, shared: true }])
  const { id: server } = await joinServers(world.db, { name: 'of-the-old-system', version: '1' })
  await world.db.query('update attempts set log_server = $1', [server])
  // Without the setting it is nowhere, and said to be missing.
  expect((await world.backup()).counts).toMatchObject({ logs: 0, logs_missing: 1 })
  const config = { ...world.config, logStore: `file://${store}` }
  expect((await world.backup({ config, overwrite: true })).counts).toMatchObject({ logs: 1, logs_missing: 0 })
  const to = place()
  const url = await empty()
  await restored(world.file, to, url)
  const { rows } = await opened(url).query(
    'select log_server, (select count(*)::int from servers) as servers from attempts',
  )
  expect(rows).toEqual([{ log_server: null, servers: 0 }])
  const logs = createLocalLogStore(join(to.dataDir, 'logs'))
  onTestFinished(() => logs.close())
  const { bytes } = await logs.read(attemptKey(job), { stream: 'all', offset: 0, limit: 99 })
  expect(bytes.toString()).toBe('in the shared store')
  rmSync(store, { recursive: true })
  await expect(world.backup({ config, overwrite: true })).rejects.toThrow('is not there: is it mounted?')
})
