import { onTestFinished, expect, test } from 'vitest'
import { onFact, type Fact } from '../lib/facts.ts'
import { newPublicId } from '../lib/ids.ts'
import { openJobEnv } from '../access/job-env.ts'
import { createSealer } from '../access/secrets.ts'
import { settingsVariable } from '../job/message.ts'
import type { Db } from '../db/pool.ts'
import type { EndedRun } from '../queue/run-settle.ts'
import type { StoredSpec } from '../job/spec.ts'
import { queueWorld } from '../../test/queue-world.ts'
import { deleteChannel, listChannels, missingChannels, openSettings, putChannel } from './channels.ts'
import { listDeliveries, pruneDeliveries } from './deliveries.ts'
import { notePipelineRunsEnded, noteRunsEnded } from './outbox.ts'
import { react, type ReactorParts } from './reactor.ts'

const sealer = createSealer(Buffer.alloc(32, 7))
const parts: ReactorParts = { sealer, publicUrl: 'https://runyard.example', retainDays: 30 }
const url = 'https://hooks.slack.com/services/c4n4ry'
const channel = { name: 'team', description: null, enabled: true, quiet: [], settings: { kind: 'slack' as const, url } }
const night = { days: ['sun' as const], from: '00:00', to: '00:00', time_zone: 'UTC' }
const sunday = () => new Date('2026-11-22T12:00:00Z')

const endedRun = (ownerId: string, notify: EndedRun['notify'], over: Partial<EndedRun> = {}): EndedRun => ({
  ...{ key: '1', publicId: newPublicId(), ownerId, name: 'nightly', notify, forced: false },
  counts: { waiting: 0, running: 0, passed: 2, failed: 0, cancelled: 0, total: 2 },
  ...{ createdAt: sunday(), startedAt: sunday(), endedAt: sunday() },
  ...over,
})

async function world() {
  const { db, userId, secondDb } = await queueWorld()
  const note = (notify: EndedRun['notify'], over?: Partial<EndedRun>) =>
    db.tx((tx) => noteRunsEnded(tx, [endedRun(userId, notify, over)]))
  const jobs = async () =>
    (
      await db.query<{ id: string; state: string; spec: StoredSpec; env: Buffer; not_before: Date | null }>(
        'select public_id as id, state, spec, env_sealed as env, not_before from jobs order by id',
      )
    ).rows
  const deliveries = async () => (await listDeliveries(db, {}, null, 100)).rows
  const outbox = async () => (await db.query('select * from outbox')).rows.length
  await db.tx((tx) => putChannel(tx, sealer, channel))
  return { db, userId, secondDb, note, jobs, deliveries, outbox }
}

test('an end becomes one job of the message executor, sealed and with its delivery', async () => {
  const { db, note, jobs, deliveries, outbox } = await world()
  await note([{ channel: 'team', on: ['ended'] }])
  await react(db, parts)
  const [job, ...others] = await jobs()
  expect(others).toEqual([])
  expect(job!.state).toBe('queued')
  expect(job!.spec).toMatchObject({
    executor: 'message',
    queue: 'messages',
    max_attempts: 6,
    command: ['message', 'team'],
  })
  expect(openJobEnv(job!.env, job!.id, sealer).secret_env).toEqual({
    [settingsVariable]: JSON.stringify(channel.settings),
  })
  expect(JSON.stringify(job!.spec)).not.toContain('c4n4ry')
  const [delivery] = await deliveries()
  expect(delivery).toMatchObject({
    jobId: job!.id,
    state: 'queued',
    subject: 'Batch nightly passed: all 2 jobs',
    heldUntil: null,
  })
  expect(job!.spec.message?.delivery_id).toBe(delivery!.id)
  expect(await outbox()).toBe(0)
  await react(db, parts)
  expect(await jobs()).toHaveLength(1)
})

test('who is told decides how it ended; a channel that is named twice is told once', async () => {
  const { db, note, outbox } = await world()
  await note([{ channel: 'team', on: ['failed', 'cancelled'] }])
  expect(await outbox()).toBe(0)
  await note([
    { channel: 'team', on: ['passed'] },
    { channel: 'team', on: ['ended'] },
  ])
  expect(await outbox()).toBe(1)
  const failed = { counts: { waiting: 0, running: 0, passed: 1, failed: 1, cancelled: 0, total: 2 } }
  await note([{ channel: 'team', on: ['passed', 'cancelled'] }], failed)
  expect(await outbox()).toBe(1)
  await note([{ channel: 'team', on: ['failed'] }], failed)
  await react(db, parts)
  expect(await outbox()).toBe(0)
})

test('two reactors at once make each job once, and neither waits for the other', async () => {
  const { db, secondDb, note, jobs, deliveries } = await world()
  for (let i = 0; i < 20; i++) await note([{ channel: 'team', on: ['ended'] }])
  await Promise.all([react(db, parts), react(secondDb(), parts), react(db, parts)])
  const about = (await deliveries()).map((delivery) => delivery.about)
  expect(new Set(about).size).toBe(20)
  expect(about).toHaveLength(20)
  expect(await jobs()).toHaveLength(20)
})

test('a reactor that dies in between leaves nothing but the outbox row', async () => {
  const { db, note, jobs, deliveries, outbox } = await world()
  await note([{ channel: 'team', on: ['ended'] }])
  const facts: Fact[] = []
  onTestFinished(onFact((fact) => void facts.push(fact)))
  for (const sql of ['outbox_remove', 'queue_submit', 'delivery_add']) {
    await react(dyingAt(db, sql), parts)
    expect([await outbox(), (await jobs()).length, (await deliveries()).length]).toEqual([1, 0, 0])
  }
  expect(facts.filter(({ name }) => name === 'message.not_made')).toHaveLength(3)
  await react(db, parts)
  expect([await outbox(), (await jobs()).length, (await deliveries()).length]).toEqual([0, 1, 1])
})

/** Its transaction is rolled back at the named statement, as when the server is killed there. */
const dyingAt = (db: Db, name: string): Db => ({
  ...db,
  tx: (fn, settings) =>
    db.tx((tx, last) => {
      const query: Db['query'] = (sql, values) => {
        if (typeof sql === 'object' && sql.name === name) throw new Error('killed')
        return tx.query(sql, values)
      }
      return fn({ query }, last)
    }, settings),
})

test('the outbox row that another has in hand is passed over, and one that cannot be done holds up no other', async () => {
  const { db, note, jobs, outbox } = await world()
  await note([{ channel: 'team', on: ['ended'] }])
  await note([{ channel: 'team', on: ['ended'] }], { ownerId: '999999' })
  await note([{ channel: 'team', on: ['ended'] }])
  await db.tx(async (tx) => {
    await tx.query('select from outbox order by id limit 1 for update')
    await react(db, parts)
    expect(await jobs()).toHaveLength(1)
  })
  await react(db, parts)
  expect(await jobs()).toHaveLength(2)
  expect(await outbox()).toBe(1)
})

test.each([
  ['a channel that is gone', async (db: Db) => void (await deleteChannel(db, 'team')), 'the channel was deleted'],
  [
    'one that is disabled',
    (db: Db) => db.tx((tx) => putChannel(tx, sealer, { ...channel, enabled: false })),
    'the channel is disabled',
  ],
  [
    'quiet hours that drop',
    (db: Db) => db.tx((tx) => putChannel(tx, sealer, { ...channel, quiet: [{ ...night, action: 'drop' }] })),
    'dropped: it came up in quiet hours',
  ],
] as [string, (db: Db) => Promise<unknown>, string][])('%s is recorded', async (_, change, result) => {
  const { db, note, jobs, deliveries, outbox } = await world()
  await note([{ channel: 'team', on: ['ended'] }])
  await change(db)
  await react(db, parts, sunday)
  expect([await jobs(), await outbox()]).toEqual([[], 0])
  expect(await deliveries()).toMatchObject([{ jobId: null, state: 'not_sent', result, attempts: 0 }])
})

test('quiet hours hold the job back', async () => {
  const { db, note, jobs, deliveries } = await world()
  await db.tx((tx) => putChannel(tx, sealer, { ...channel, quiet: [{ ...night, action: 'hold', to: '23:00' }] }))
  await note([{ channel: 'team', on: ['ended'] }])
  const soon = new Date(Math.ceil(Date.now() / 86_400_000 / 7) * 7 * 86_400_000 + 3 * 86_400_000 + 3_600_000)
  expect(soon.getUTCDay()).toBe(0) // a Sunday to come
  await react(db, parts, () => soon)
  const until = new Date(soon.getTime() + 22 * 3_600_000)
  expect(await deliveries()).toMatchObject([{ state: 'scheduled', heldUntil: until }])
  expect((await jobs())[0]!.not_before).toEqual(until)
})

test('failed jobs are named from the batch', async () => {
  const { db, userId, note, jobs } = await world()
  await db.query(
    `insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, run_id, run_index)
     select 'failedjob' || lpad(n::text, 3, '0'), $1, (select id from queues limit 1), 'failed', 'job ' || n, '{}', 5, 1, 77, n
     from generate_series(1, 12) n`,
    [userId],
  )
  const counts = { waiting: 0, running: 0, passed: 0, failed: 12, cancelled: 0, total: 12 }
  await note([{ channel: 'team', on: ['ended'] }], { key: '77', counts })
  await react(db, parts)
  const { message } = (await jobs()).find((job) => job.spec.executor === 'message')!.spec
  expect(message!.text).toContain('- job 1\n- job 2\n')
  expect(message!.text).toContain('- job 10\n- and 2 more')
})

test('settings are sealed for their channel alone; a webhook keeps its secret unless it is given another', async () => {
  const { db } = await world()
  const put = (name: string, settings?: Parameters<typeof putChannel>[2]['settings']) =>
    db.tx((tx) => putChannel(tx, sealer, { ...channel, name, settings }))
  const { secret } = await put('hook', { kind: 'webhook', url })
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  const row = async (name: string) => (await listChannels(db, name))[0]!
  expect(openSettings(await row('hook'), sealer)).toEqual({ kind: 'webhook', url, secret })
  expect(await put('hook', { kind: 'webhook', url: 'https://example.com/x' })).toEqual({ secret: null })
  expect(await put('hook')).toEqual({ secret: null })
  expect(openSettings(await row('hook'), sealer)).toEqual({ kind: 'webhook', url: 'https://example.com/x', secret })
  expect(await row('hook')).toMatchObject({ destination: 'example.com', last: null })
  expect((await row('hook')).settingsSealed.toString('latin1')).not.toContain('example.com')
  const other = { ...(await row('hook')), id: (await row('team')).id }
  expect(() => openSettings(other, sealer)).toThrow('belongs elsewhere')
  await expect(put('new')).rejects.toMatchObject({ fields: [{ field: 'settings' }] })
})

test('some settings change alone, of its own kind; another kind takes its place only when that is said', async () => {
  const { db } = await world()
  const put = (more: Partial<Parameters<typeof putChannel>[2]>) =>
    db.tx((tx) => putChannel(tx, sealer, { ...channel, settings: undefined, name: 'signed', ...more }))
  const settings = async () => openSettings((await listChannels(db, 'signed'))[0]!, sealer)
  const { secret } = await put({ settings: { kind: 'webhook', url } })
  await put({ changes: { headers: { 'X-A': 'b' } } })
  expect(await settings()).toEqual({ kind: 'webhook', url, secret, headers: { 'X-A': 'b' } })
  await put({ changes: { secret: 'whsec_new' } })
  expect(await settings()).toMatchObject({ url, secret: 'whsec_new', headers: { 'X-A': 'b' } })
  await expect(put({ changes: { smtp_url: 'smtp://x' } })).rejects.toMatchObject({
    fields: [
      {
        field: 'changes.smtp_url',
        message: 'belongs to another kind: this is webhook, which has url, secret, headers',
      },
    ],
  })
  const slack = { kind: 'slack' as const, url }
  await expect(put({ settings: slack })).rejects.toMatchObject({
    fields: [{ field: 'settings.kind', message: expect.stringMatching(/^is webhook so far; .*replace: true/) }],
  })
  expect(await settings()).toMatchObject({ kind: 'webhook' })
  await put({ settings: slack, replace: true })
  expect(await settings()).toEqual(slack)
})

test('each channel that does not exist is named', async () => {
  const { db } = await world()
  expect(await missingChannels(db, ['team', 'team'])).toEqual([])
  expect(await missingChannels(db, ['team', 'tema', 'x'])).toMatchObject([
    { field: 'notify[1].channel', message: expect.stringMatching(/^there is no channel tema; an administrator/) },
    { field: 'notify[2].channel' },
  ])
})

test('a delivery goes with its job, and one without a job after its time', async () => {
  const { db, note, deliveries } = await world()
  await note([{ channel: 'team', on: ['ended'] }])
  await note([{ channel: 'nobody', on: ['ended'] }])
  await react(db, parts)
  expect(await deliveries()).toHaveLength(2)
  await db.query(`update deliveries set created_at = now() - interval '31 days'`)
  expect(await pruneDeliveries(db, 0)).toBe(0)
  expect(await pruneDeliveries(db, 30)).toBe(1)
  await db.query(`delete from jobs`)
  expect(await deliveries()).toHaveLength(0)
  expect(await pruneDeliveries(db, 30)).toBe(1)
})

test('the end of a pipeline’s run is told to channels that want such an end, once', async () => {
  const { db, userId, jobs, outbox } = await world()
  const ended = {
    ...{ key: '1', publicId: newPublicId(), ownerId: userId, pipeline: 'release', lastError: null },
    ...{ createdAt: sunday(), startedAt: sunday(), endedAt: sunday() },
  }
  await db.tx((tx) =>
    notePipelineRunsEnded(tx, [
      { ...ended, result: 'succeeded', notify: [{ channel: 'team', on: ['failed'] }] },
      {
        ...ended,
        publicId: newPublicId(),
        result: 'succeeded',
        notify: [{ channel: 'team', on: ['passed', 'ended'] }],
      },
    ]),
  )
  await react(db, parts)
  const [job, ...others] = await jobs()
  expect(others).toEqual([])
  expect(job!.spec.message).toMatchObject({
    subject: 'Pipeline release succeeded',
    tone: 'passed',
    type: 'pipeline.ended',
  })
  expect(await outbox()).toBe(0)
})
