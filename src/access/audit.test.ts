import { afterEach, beforeEach, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { openDb, type Db } from '../db/pool.ts'
import { audit, type AuditEntry } from './audit.ts'
import { auditSealer, sealAudit, verifyAudit } from './audit-chain.ts'

let database: TestDatabase
let db: Db
beforeEach(async () => {
  database = await testDatabase()
  db = database.db
})
afterEach(() => database.drop())

const actor = { kind: 'user', userId: '1', username: 'anna', role: 'admin' } as const
const entry = (n: number): AuditEntry => ({
  actor,
  action: 'job.submit',
  target: `job:${n}`,
  result: 'done',
  detail: { n },
})
const write = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await audit(db, entry(n))
}
/** What the owner of the tables can do: the guards are off. */
const tamper = async (sql: string): Promise<void> => {
  await db.query(`alter table audit_seals drop constraint audit_seals_audit_id_fkey,
    drop constraint audit_seals_audit_id_key, disable trigger user`)
  await db.query('alter table audit_log disable trigger user')
  await db.query('grant update, delete on audit_log, audit_seals to current_user')
  await db.query(sql)
}

test('a row lives and dies with the transaction of its change', async () => {
  await expect(
    db.tx(async (tx) => {
      await audit(tx, entry(1))
      throw new Error('the change failed')
    }),
  ).rejects.toThrow()
  await db.tx((tx) => audit(tx, { ...entry(2), result: 'refused', address: '10.0.0.1' }))
  const { rows } = await db.query('select actor_kind, actor, action, target, result, detail, address from audit_log')
  const expected = { actor_kind: 'user', actor: 'anna', action: 'job.submit', target: 'job:2', result: 'refused' }
  expect(rows).toEqual([{ ...expected, detail: { n: 2 }, address: '10.0.0.1' }])
})

test('no name or detail gets around its row', async () => {
  const nasty = 'a\nb\0c\ud800 "\u202e'
  await audit(db, {
    actor: { kind: 'anonymous', username: nasty + 'x'.repeat(10_000) },
    action: 'session.create',
    target: nasty,
    result: 'refused',
    detail: { nasty },
  })
  await sealAudit(db)
  expect(await verifyAudit(db)).toMatchObject({ ok: true, checked: 1 })
  const { rows } = await db.query<{ actor: string }>('select actor from audit_log')
  expect(rows[0]!.actor.length).toBe(500)
})

test('A1: the role that writes the log has no right to change it, and with that right is refused by the triggers', async () => {
  await write(1)
  await sealAudit(db)
  const attempts = [
    `update audit_log set actor = 'eve'`,
    'delete from audit_log',
    'truncate audit_log cascade',
    `update audit_seals set hash = ''`,
    'delete from audit_seals',
    'truncate audit_seals',
  ]
  for (const sql of attempts) await expect(db.query(sql), sql).rejects.toThrow(/permission denied/)
  // `id` is what a foreign key's check needs; it takes no value, and the trigger stands behind.
  await expect(db.query('update audit_log set id = 7')).rejects.toThrow(/can only be updated to DEFAULT/)
  await expect(db.query('update audit_log set id = default')).rejects.toThrow(/append-only/)
  await db.query('grant update, delete, truncate on audit_log, audit_seals to current_user')
  for (const sql of attempts) await expect(db.query(sql), sql).rejects.toThrow(/append-only/)
  expect(await verifyAudit(db)).toMatchObject({ ok: true, checked: 1 })
})

test('the chain is gapless whoever seals, also several servers at once', async () => {
  const others = [openDb(database.url), openDb(database.url)]
  await Promise.all([db, ...others].flatMap((server) => [write(30), sealAudit(server), write(30), sealAudit(server)]))
  await sealAudit(db)
  for (const other of others) await other.end()
  const { rows } = await db.query<{ seq: string }>('select seq from audit_seals order by seq')
  expect(rows.map((r) => Number(r.seq))).toEqual(Array.from({ length: 180 }, (_, i) => i + 1))
  const verdict = await verifyAudit(db)
  expect(verdict).toMatchObject({ ok: true, checked: 180, problems: [] })
  expect(verdict.head).toMatchObject({ seq: '180' })
})

test('a row that commits later than its neighbours is sealed later', async () => {
  const other = openDb(database.url)
  const sealer = auditSealer(db)
  await other.tx(async (slow) => {
    await audit(slow, entry(0))
    await write(3)
    await sealer.runOnce()
  })
  await other.end()
  await sealer.runOnce()
  const { rows } = await db.query<{ id: string }>('select audit_id as id from audit_seals order by seq')
  expect(rows.map((r) => r.id)).toEqual(['2', '3', '4', '1'])
  expect(await verifyAudit(db)).toMatchObject({ ok: true })
})

test.each([
  [`update audit_log set actor = 'eve' where id = 3`, [{ kind: 'changed', seq: '3', auditId: '3' }]],
  [
    `update audit_log set at = at + interval '1 microsecond' where id = 3`,
    [{ kind: 'changed', seq: '3', auditId: '3' }],
  ],
  [`update audit_log set detail = '{"n": 2.0}' where id = 3`, [{ kind: 'changed', seq: '3', auditId: '3' }]],
  [`update audit_log set address = '' where id = 3`, [{ kind: 'changed', seq: '3', auditId: '3' }]],
  [`delete from audit_log where id = 3`, [{ kind: 'missing_row', seq: '3', auditId: '3' }]],
  [
    `with gone as (delete from audit_log where id = 3) delete from audit_seals where audit_id = 3`,
    [{ kind: 'missing_seal', seq: '3' }],
  ],
  [`update audit_seals set audit_id = 7 - audit_id where audit_id in (3, 4)`, null],
  [
    `insert into audit_log (at, actor_kind, actor, action, result) values (now() - interval '1 day', 'user', 'eve', 'x', 'done')`,
    [{ kind: 'unsealed', auditId: '7' }],
  ],
  [`update audit_seals set hash = sha256('x') where seq = 6`, [{ kind: 'changed', seq: '6', auditId: '6' }]],
])('the verifier finds: %s', async (sql, problems) => {
  await write(6)
  await sealAudit(db)
  expect((await verifyAudit(db)).ok).toBe(true)
  await tamper(sql)
  const verdict = await verifyAudit(db)
  expect(verdict.ok).toBe(false)
  if (problems) expect(verdict.problems).toEqual(problems)
})

test('more rows than one page', async () => {
  await db.query(`insert into audit_log (actor_kind, actor, action, result)
    select 'user', 'anna', 'x', 'done' from generate_series(1, 2500)`)
  expect(await sealAudit(db)).toBe(2500)
  expect(await sealAudit(db)).toBe(0)
  expect(await verifyAudit(db)).toMatchObject({ ok: true, checked: 2500 })
})
