import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { emptyDatabase } from '../../test/database.ts'
import { migrate, planMigrations, readMigrations, type Migration } from './migrate.ts'
import { openDb } from './pool.ts'

const step = (version: string, sql = 'select 1', checksum = `sum of ${version}`): Migration => ({
  version,
  sql,
  checksum,
})
const applied = (...versions: string[]) => versions.map((version) => ({ version, checksum: `sum of ${version}` }))

test.each([
  { known: ['1', '2'], done: [], todo: ['1', '2'] },
  { known: ['1', '2'], done: ['1'], todo: ['2'] },
  { known: ['1', '2'], done: ['1', '2'], todo: [] },
  { known: ['1'], done: ['1', '2'], refused: /newer than this Runyard: it has migration 2/ },
  { known: ['1', '2', '3'], done: ['1', '3'], refused: /2 comes before 3/ },
])('known $known, applied $done', ({ known, done, todo, refused }) => {
  const plan = (): string[] =>
    planMigrations(
      known.map((version) => step(version)),
      applied(...done),
    ).map(({ version }) => version)
  if (refused) expect(plan).toThrow(refused)
  else expect(plan()).toEqual(todo)
})

test('a migration that was changed after it had been applied is refused', () => {
  expect(() => planMigrations([step('1', 'select 2', 'other')], applied('1'))).toThrow(/migration 1 was changed/)
})

test('two servers that start together apply each migration once', async () => {
  const { url, drop } = await emptyDatabase()
  try {
    // Real processes: an in-process lock would not do.
    const script = `
      import { migrate } from ${JSON.stringify(new URL('./migrate.ts', import.meta.url).href)}
      import { openDb } from ${JSON.stringify(new URL('./pool.ts', import.meta.url).href)}
      const db = openDb(process.env.TARGET)
      console.log(JSON.stringify(await migrate(db)))
      await db.end()`
    const start = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, TARGET: url },
      })
    const ends = await Promise.all([start(), start(), start()])
    const lists = ends.map(({ stdout }) => JSON.parse(stdout) as string[])
    const all = (await readMigrations()).map(({ version }) => version)
    expect(lists.flat().sort()).toEqual(all)
    expect(lists.filter((list) => list.length > 0)).toHaveLength(1)
  } finally {
    await drop()
  }
})

test('a migration that fails leaves nothing of itself, and those before it stay', async () => {
  const { url, drop } = await emptyDatabase()
  const db = openDb(url)
  try {
    const good = step('1', 'create table one (id int)')
    const bad = step('2', 'create table two (id int); select no_such_function()')
    await expect(migrate(db, [good, bad])).rejects.toThrow(/no_such_function/)
    const { rows } = await db.query("select tablename as name from pg_tables where schemaname = 'public' order by 1")
    expect(rows.map(({ name }) => name)).toEqual(['one', 'schema_migrations'])
    expect(await migrate(db, [good, step('2', 'create table two (id int)')])).toEqual(['2'])
    await expect(migrate(db, [good])).rejects.toMatchObject({ code: 'failed_precondition' })
  } finally {
    await db.end()
    await drop()
  }
})
