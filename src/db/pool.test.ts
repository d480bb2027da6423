import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { proxyTo } from '../../test/tcp-proxy.ts'
import { violates } from './db-errors.ts'
import { openDb } from './pool.ts'
import { typed } from './typed.ts'

let base: TestDatabase
beforeAll(async () => {
  base = await testDatabase()
})
afterAll(() => base.drop())

const queueNames = async (): Promise<unknown[]> =>
  (await base.db.query('select name from queues order by id')).rows.map((row) => row.name)

test('bigint comes back as a string, and a count as a number', async () => {
  const { rows } = await base.db.query('select 9007199254740993::bigint as big, count(*)::int as n from queues')
  expect(rows).toEqual([{ big: '9007199254740993', n: 2 }])
})

test('a named statement is prepared once and takes its values from either place', async () => {
  const sql = { name: 'twice', text: 'select $1::int * 2 as n' }
  await base.db.tx(async (tx) => {
    expect((await tx.query({ ...sql, values: [4] })).rows).toEqual([{ n: 8 }])
    expect((await tx.query(sql, [5])).rows).toEqual([{ n: 10 }])
    expect((await tx.query("select name from pg_prepared_statements where name = 'twice'")).rowCount).toBe(1)
  })
})

test('a transaction keeps all or nothing, and its error comes out as it is', async () => {
  await base.db.tx((tx) => tx.query("insert into queues (name) values ('kept')"))
  const thrown = new Error('mine')
  await expect(
    base.db.tx(async (tx) => {
      await tx.query("insert into queues (name) values ('gone')")
      throw thrown
    }),
  ).rejects.toBe(thrown)
  expect(await queueNames()).toEqual(['default', 'messages', 'kept'])
})

test('a statement that failed inside a transaction leaves a usable pool and a recognisable error', async () => {
  const small = openDb({ connectionString: base.url, max: 1 })
  try {
    const error = await small
      .tx((tx) => tx.query("insert into queues (name) values ('default')"))
      .catch((e: unknown) => e)
    expect(violates(error, 'queues_name_key')).toBe(true)
    expect(error).toBeInstanceOf(pg.DatabaseError)
    expect((await small.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  } finally {
    await small.end()
  }
})

test('a database that is away is "unavailable, try again", and the pool heals by itself', async () => {
  const proxy = await proxyTo(base.url)
  const db = openDb({ connectionString: proxy.url, connectionTimeoutMillis: 300 })
  try {
    await db.query('select 1')
    // Cut in the middle of a transaction.
    await expect(
      db.tx(async (tx) => {
        await tx.query("insert into queues (name) values ('half')")
        proxy.cut()
        await tx.query('select 1')
      }),
    ).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
    expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(await queueNames()).not.toContain('half')

    proxy.cut()
    proxy.silence()
    await expect(db.query('select 1')).rejects.toMatchObject({ code: 'unavailable' })
  } finally {
    proxy.speak()
    await db.end()
    await proxy.close()
  }
  const nowhere = openDb('postgresql://x@/x?host=/nonexistent')
  await expect(nowhere.query('select 1')).rejects.toMatchObject({ code: 'unavailable' })
  await nowhere.end()
})

test('a backend that is terminated in a transaction ends neither the process nor the pool', async () => {
  await expect(
    base.db.tx(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await base.db.query('select pg_terminate_backend($1)', [rows[0]!.pid])
      await tx.query('select 1')
    }),
  ).rejects.toMatchObject({ code: 'unavailable' })
  expect((await base.db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('what the server says to a connection between two owners ends nothing', async () => {
  const client = await base.db.pool.connect()
  try {
    expect(() => client.emit('error', new Error('terminating connection due to administrator command'))).not.toThrow()
  } finally {
    client.release(true)
  }
})

test('two transactions that block each other: one goes on, the other is told to try again', async () => {
  await base.db.query("insert into queues (name) values ('a'), ('b')")
  const touch = 'update queues set paused = not paused where name = $1'
  const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const cross = (first: string, second: string, mine: number): Promise<unknown> =>
    base.db.tx(async (tx) => {
      await tx.query(touch, [first])
      met[mine]!.resolve()
      await met[1 - mine]!.promise
      await tx.query(touch, [second])
    })
  const ends = await Promise.allSettled([cross('a', 'b', 0), cross('b', 'a', 1)])
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const lost = ends.find((end) => end.status === 'rejected')
  expect(lost?.reason).toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 })
})

test('a statement that takes too long is ended by the database', async () => {
  const db = openDb({ connectionString: base.url, statement_timeout: 100 })
  try {
    await expect(db.query('select pg_sleep(20)')).rejects.toMatchObject({ code: 'deadline_exceeded' })
  } finally {
    await db.end()
  }
})

test('kysely reads the same database, typed', async () => {
  const rows = await typed(base.db)
    .selectFrom('queues')
    .select(['name', 'paused'])
    .where('name', '=', 'default')
    .execute()
  expect(rows).toEqual([{ name: 'default', paused: false }])
})
