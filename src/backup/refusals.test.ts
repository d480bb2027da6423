import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { empty, opened, place, restored, rowsOf, source, text } from '../../test/backup-world.ts'
import { checkCounts } from '../../test/queue-world.ts'
import { until } from '../../test/until.ts'
import { dumpSchema } from '../db/dump-schema.ts'
import { migrate, readMigrations } from '../db/migrate.ts'
import { openDb } from '../db/pool.ts'
import { checkBackup, openBackup } from './index.ts'

// Several databases each, and the first one starts their server.
vi.setConfig({ testTimeout: 60_000 })

test('what is there is replaced only when told so, and only after a yes', async () => {
  const from = await source()
  const [id] = await from.submit({})
  await from.backup()
  const other = await source()
  await other.submit({}, {})
  const runner = await other.runner()
  const job = await runner.claimOne()
  await other.log(job, 'of the other', true)
  await runner.finish(job)
  await other.backup()
  const [to, url] = [place(), await empty()]
  await restored(other.file, to, url)

  const theirKey = join(to.dataDir, 'secrets', 'secret.key')
  const key = await readFile(theirKey, 'utf8')
  const into = (over: object) => restored(from.file, to, url, over)
  await expect(into({})).rejects.toThrow(/is not the key of the backup's secrets .*--force replaces it/)
  let asked = ''
  expect(await into({ force: true, confirm: async (what: string) => ((asked = what), false) })).toBeUndefined()
  expect(asked).toMatch(/2 jobs and 1 users and the logs in /)
  const used = openDb(url)
  const theirs = await rowsOf(used, 'jobs')
  const replace = () => into({ force: true, confirm: async () => true })
  await expect(replace()).rejects.toThrow('another Runyard is using this database')
  expect(await rowsOf(used, 'jobs')).toEqual(theirs)
  expect(await readFile(theirKey, 'utf8')).toBe(key)
  expect((await text(to.dataDir, job)).bytes).toBe('of the other')

  await used.end()
  // Its sessions end a moment after the pool.
  const done = (): Promise<unknown> =>
    replace().catch((error: Error) => (error.message.startsWith('another Runyard') ? false : Promise.reject(error)))
  await until(done)
  expect(await rowsOf(opened(url), 'jobs')).toMatchObject([{ public_id: id }])
  expect((await text(to.dataDir, job)).bytes).toBe('')
  expect(await readFile(theirKey, 'utf8')).not.toBe(key)
  const kept = (await readdir(join(to.dataDir, 'secrets'))).filter((name) => name.startsWith('secret.key.'))
  expect(await readFile(join(to.dataDir, 'secrets', kept[0]!), 'utf8')).toBe(key)
})

test('without the right key it refuses before anything is touched', async () => {
  const from = await source()
  await from.submit({})
  await from.backup({ withoutKeys: true })
  const url = await empty()
  await expect(restored(from.file, place(), url)).rejects.toThrow(/made without keys.*put that system's/)
  const strange = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  await expect(restored(from.file, place({ RUNYARD_SECRET_KEY: strange }), url)).rejects.toThrow(
    /RUNYARD_SECRET_KEY is not the key/,
  )
  const key = (await readFile(join(from.dataDir, 'secrets', 'secret.key'), 'utf8')).trim()
  const to = place({ RUNYARD_SECRET_KEY: key })
  expect(await restored(from.file, to, url)).toBeDefined()
  expect(await readdir(join(to.dataDir, 'secrets'))).toEqual([])
})

test('a backup that could not be opened later is not made', async () => {
  const from = await source()
  await from.submit({})
  const elsewhere = place()
  await expect(from.backup({ config: elsewhere.config })).rejects.toThrow(/the key .* is not here: back up where/)
  await expect(stat(from.file)).rejects.toThrow('ENOENT')
})

test('an older backup is brought up to date, a newer one refused', async () => {
  const from = await source()
  const old = opened(await empty())
  const [first, ...later] = await readMigrations()
  await migrate(old, [first!])
  await old.query(
    `insert into users (username, password_hash, role) values ('ann', 'x', 'admin');
     insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, ended_at)
     select 'aaaaaaaaaaaa', u.id, q.id, 'succeeded', 'n', '{}', 5, 1, now() from users u, queues q`,
  )
  const databaseUrl = (old.pool.options as { connectionString: string }).connectionString
  await from.backup({ databaseUrl })
  const url = await empty()
  expect((await restored(from.file, place(), url))?.migrated).toEqual(later.map(({ version }) => version))
  const db = opened(url)
  await checkCounts(db)
  const migrated = opened(await empty())
  await migrate(migrated)
  expect(await dumpSchema(db)).toBe(await dumpSchema(migrated))

  const newer = opened(await empty())
  await migrate(newer, [...(await readMigrations()), { version: '999_later', sql: 'select 1', checksum: 'x' }])
  await expect(
    from.backup({
      databaseUrl: (newer.pool.options as { connectionString: string }).connectionString,
      overwrite: true,
    }),
  ).rejects.toThrow('newer')
})

test('a damaged file changes nothing, and --check finds it', async () => {
  const from = await source()
  await from.submit({})
  await from.backup()
  const whole = await openBackup(createReadStream(from.file))
  expect(await checkBackup(whole)).toMatchObject({ jobs: 1 })
  const bytes = await readFile(from.file)
  const cut = join(from.dataDir, 'cut')
  await writeFile(cut, bytes.subarray(0, bytes.length - 4))
  await expect(checkBackup(await openBackup(createReadStream(cut)))).rejects.toThrow('the backup is damaged: it ends')
  const [to, url] = [place(), await empty()]
  await expect(restored(cut, to, url)).rejects.toThrow('the backup is damaged: it ends too early')
  const db = opened(url)
  expect((await db.query(`select from pg_class where relnamespace = 'public'::regnamespace`)).rowCount).toBe(0)
  expect(await readdir(to.dataDir)).toEqual([])
  await db.end()
  expect(await restored(from.file, to, url)).toBeDefined()
})

test('a database that is not ours alone is left alone', async () => {
  const from = await source()
  await from.backup()
  const url = await empty()
  const db = opened(url)
  await db.query('create table accounts (id int)')
  await db.end()
  const work = restored(from.file, place(), url, { force: true, confirm: async () => true })
  await expect(work).rejects.toThrow(/not Runyard's \(accounts\)/)
})

test('an interrupted backup leaves no file, an existing one is not replaced unasked', async () => {
  const from = await source()
  await from.submit({}, {})
  const stop = new AbortController()
  const work = from.backup({ signal: stop.signal, onProgress: () => stop.abort(new Error('Ctrl-C')) })
  await expect(work).rejects.toThrow('Ctrl-C')
  expect((await readdir(from.dataDir)).filter((name) => name.startsWith('backup'))).toEqual([])
  await writeFile(from.file, 'precious')
  await expect(from.backup()).rejects.toThrow('exists; choose another name, or --overwrite')
  expect(await readFile(from.file, 'utf8')).toBe('precious')
  await from.backup({ overwrite: true })
  const dir = join(from.dataDir, 'many')
  await mkdir(dir)
  await from.backup({ to: dir })
  expect(await readdir(dir)).toEqual([expect.stringMatching(/^runyard-\d{8}T\d{6}Z\.tar\.zst$/)])
  await expect(from.backup({ to: join(dir, 'none', 'x') })).rejects.toThrow(/there is no directory/)
})

test('an interrupted restore changes nothing', async () => {
  const from = await source()
  await from.submit({})
  await from.backup()
  const [to, url] = [place(), await empty()]
  const stop = new AbortController()
  const work = restored(from.file, to, url, {
    signal: stop.signal,
    onProgress: (what: string) => what === 'indexes' && stop.abort(new Error('Ctrl-C')),
  })
  await expect(work).rejects.toThrow('Ctrl-C')
  expect(await readdir(to.dataDir)).toEqual([])
  expect(await restored(from.file, to, url, { paused: true })).toMatchObject({ waiting: 1 })
  expect(await rowsOf(opened(url), 'queues')).toMatchObject([{ paused: true }, { paused: true }])
})

test('a restore that was killed just before its commit is finished by the same restore', async () => {
  const from = await source()
  const [id] = await from.submit({})
  const runner = await from.runner()
  const job = await runner.claimOne()
  await from.shortLog(job, 'of the backup')
  await runner.finish(job)
  await from.backup()
  const other = await source()
  await other.submit({}, {})
  await other.backup()
  const [to, url] = [place(), await empty()]
  await restored(other.file, to, url)
  const force = { force: true, confirm: async () => true }
  // Keys and logs are in place, and the database is as before.
  await restored(from.file, to, await empty(), force)
  expect(await restored(from.file, to, url, force)).toBeDefined()
  expect(await rowsOf(opened(url), 'jobs')).toMatchObject([{ public_id: id }])
  expect((await text(to.dataDir, job)).bytes).toBe('of the backup')
  for (const name of ['secret.key', 'jwt.key'])
    expect(await readFile(join(to.dataDir, 'secrets', name))).toEqual(
      await readFile(join(from.dataDir, 'secrets', name)),
    )
})
