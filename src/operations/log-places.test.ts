import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { queueWorld, type QueueWorld, type TestRunner } from '../../test/queue-world.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import { AppError } from '../lib/app-error.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { encodeMark, encodeRecord } from '../logs/records.ts'
import { finish } from '../queue/finish.ts'
import { logsChannel, takeLogs } from '../queue/log-places.ts'
import { joinServers } from '../queue/servers.ts'
import { attemptKey, type ClaimedJob } from '../queue/types.ts'
import { good } from '../../test/queue-world.ts'
import type { FollowedFar, LogPeers } from './log-peers.ts'
import { createLogPlaces } from './log-places.ts'
import { createLogWatch } from './log-watch.ts'

const patience = { runningMs: 3_000, overMs: 300 }
const words = (text: string): Buffer => encodeRecord('stdout', 1, Buffer.from(text))

interface Rig {
  world: QueueWorld
  runner: TestRunner
  job: ClaimedJob
  key: string
  /** Of the other server. */
  other: string
  server: string
  /** What the other server answers to a follower, one after the other. */
  far: ((offset: number) => AsyncGenerator<FollowedFar>)[]
  logs: ReturnType<typeof createLocalLogStore>
  watch: ReturnType<typeof createLogWatch>
  places: ReturnType<typeof createLogPlaces>
  /** The output until now; the promise settles with the follower. */
  follow(): { text(): string; marks(): number; done: Promise<void>; stop(): void }
}

async function rig(): Promise<Rig> {
  const world = await queueWorld()
  const dir = scratchDir('p')
  const logs = createLocalLogStore(dir)
  onTestFinished(async () => {
    await logs.close()
    removeScratch(dir)
  })
  const { id: server } = await joinServers(world.db, { name: 'this', version: '1' })
  const { id: other } = await joinServers(world.db, { name: 'that', version: '1' })
  await world.db.query(`update servers set address = '127.0.0.1:1' where id = $1`, [other])
  const nothing = { onOver() {}, onRemovals() {} }
  const watch = createLogWatch({ db: world.db, server, logs, ...nothing, lookEveryMs: 200 })
  onTestFinished(() => watch.stop())
  const far: Rig['far'] = []
  const peers: LogPeers = {
    size: () => Promise.reject(new AppError('unavailable', 'ECONNREFUSED')),
    read: () => Promise.reject(new AppError('unavailable', 'ECONNREFUSED')),
    async *follow(_peer, _key, { offset }) {
      const next = far.shift()
      if (next === undefined) throw new AppError('unavailable', 'ECONNREFUSED')
      yield* next(offset)
    },
  }
  const places = createLogPlaces({ db: world.db, server, logs, watch, shared: null, peers: () => peers, patience })
  await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  return {
    ...{ world, runner, job, key: attemptKey(job), other, server, far, logs, watch, places },
    follow() {
      let text = ''
      let marks = 0
      const stop = new AbortController()
      const done = (async () => {
        for await (const pieces of places.follow(job, { stream: 'all', offset: 0 }, stop.signal)) {
          for (const { stream, offset, bytes } of pieces) {
            if (stream === 'mark') marks += 1
            else if (offset !== text.length) throw new Error(`at ${text.length} came ${offset}`)
            else text += bytes.toString()
          }
        }
      })()
      done.catch(() => {}) // looked at by the test
      return { text: () => text, marks: () => marks, done, stop: () => stop.abort() }
    },
  }
}

const take = ({ world, runner, job }: Rig, server: string) => takeLogs(world.db, [{ ...runner.from, ref: job }], server)
const end = ({ world, runner, job }: Rig, server: string, length: number) =>
  finish(
    world.db,
    [
      {
        ...runner.from,
        ref: job,
        outcome: good,
        log: { length, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 },
      },
    ],
    undefined,
    { server, shared: false },
  )

const says = (text: string, offset: number, ended = false): FollowedFar => ({
  pieces: [{ stream: 'stdout', offset, time: 1, bytes: Buffer.from(text) }],
  ended,
})

test('who waits for the first byte hears that it came to another server, and back, by notice or by a look', async () => {
  const all = await rig()
  for (const heard of [true, false]) {
    const follower = all.follow()
    await sleep(50)
    all.far.push(async function* () {
      yield says('one ', 0)
      yield* [] // then its server stops
      throw new AppError('unavailable', 'ECONNRESET')
    })
    await take(all, all.other)
    if (heard) all.watch.heard(`taken ${all.other} ${all.key}`)
    await until(() => follower.text() === 'one ')
    await take(all, all.server)
    await all.logs.append(all.key, 0, Buffer.concat([words('one '), words('two')]))
    if (heard) all.watch.heard(`taken ${all.server} ${all.key}`)
    await until(() => follower.text() === 'one two')
    follower.stop()
    await follower.done
    await all.logs.removeUnsealed(all.key)
    all.watch.done(all.key)
    await all.world.db.query('update attempts set log_server = null')
  }
})

test('a copy that was taken over goes, its follower goes on at the byte elsewhere; marks come once', async () => {
  const all = await rig()
  await take(all, all.server)
  all.watch.took([all.key])
  const mark = encodeMark(5, { kind: 'truncated', bytes: 1 })
  await all.logs.append(all.key, 0, Buffer.concat([words('one '), mark]))
  const follower = all.follow()
  await until(() => follower.marks() === 1)
  const markFar = { stream: 'mark' as const, time: 5, bytes: mark.subarray(15), offset: 4 }
  const offsets: number[] = []
  all.far.push(async function* (offset) {
    offsets.push(offset)
    yield { pieces: [markFar], ended: false }
    yield says('two', 4, true)
  })
  await take(all, all.other)
  all.watch.heard(`taken ${all.other} ${all.key}`)
  await follower.done
  expect([follower.text(), follower.marks(), offsets]).toEqual(['one two', 1, [4]])
  expect(await all.logs.size(all.key, 'all')).toBe(0)
})

test('a sealed copy stays when another server takes over: it may be the only whole one', async () => {
  const all = await rig()
  await take(all, all.server)
  all.watch.took([all.key])
  await all.logs.append(all.key, 0, words('whole'))
  await all.logs.seal(all.key)
  await take(all, all.other)
  all.watch.heard(`taken ${all.other} ${all.key}`)
  await sleep(50)
  expect(await all.logs.size(all.key, 'all')).toBe(5)
})

test('a lost notice of a take-over is made good by a look', async () => {
  const all = await rig()
  await take(all, all.server)
  all.watch.took([all.key])
  await all.logs.append(all.key, 0, words('part'))
  const forgotten: unknown[] = []
  all.watch.whenTaken((name) => forgotten.push(name))
  await take(all, all.other)
  await all.watch.looker().runOnce()
  await until(async () => (await all.logs.size(all.key, 'all')) === 0)
  expect(forgotten).toEqual([{ jobKey: all.job.jobKey, number: 1 }])
  expect(all.watch.has(all.key)).toBe(false)
})

test('a server that is away: waited for while the attempt runs, then an error that names it; sooner when it is over', async () => {
  const all = await rig()
  await take(all, all.other)
  await all.world.db.query(`update servers set last_seen_at = now() - interval '50 s' where id = $1`, [all.other])
  const away = {
    code: 'unavailable',
    message: expect.stringMatching(
      /^the log of attempt 1 is on server that, which was last heard of 5\d s ago/,
    ) as string,
  }
  await expect(all.places.open(all.job)).rejects.toMatchObject(away)
  let began = performance.now()
  await expect(all.follow().done).rejects.toMatchObject(away)
  expect(performance.now() - began).toBeGreaterThan(patience.runningMs)
  // Meanwhile its runner ships it here.
  const saved = all.follow()
  await sleep(100)
  await take(all, all.server)
  all.watch.heard(`taken ${all.server} ${all.key}`)
  await all.logs.append(all.key, 0, words('again'))
  await until(() => saved.text() === 'again')
  saved.stop()
  await saved.done
  await take(all, all.other)
  all.watch.heard(`taken ${all.other} ${all.key}`)
  await all.world.db.query(`update servers set last_seen_at = now() - interval '50 s' where id = $1`, [all.other])
  await end(all, all.other, 7)
  began = performance.now()
  await expect(all.follow().done).rejects.toMatchObject(away)
  expect(performance.now() - began).toBeLessThan(patience.runningMs)
})

test('why it cannot be had is said: no listener, unknown server, no shared store, nobody', async () => {
  const all = await rig()
  await take(all, all.other)
  const set = (sql: string) => all.world.db.query(sql)
  const refusal = (text: string) =>
    expect(all.places.open(all.job)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(text) as string,
    })
  await set('update servers set address = null')
  await refusal('is on server that, whose gRPC listener is not open')
  await set(`update attempts set log_server = 4711`)
  await refusal('was on a server that is long gone (number 4711)')
  await end(all, all.other, 7)
  await set(`update attempts set log_server = null, log_shared = true`)
  await refusal('set RUNYARD_LOG_STORE as on the other servers')
  await set(`update attempts set log_shared = false`)
  await refusal('which one has it was never written down')
  // One that printed nothing is empty, not lost.
  await set(`update attempts set log = '{"length": 0}'`)
  await set('update jobs set log_bytes = 0')
  expect(await (await all.places.open(all.job)).size('all')).toBe(0)
  await all.follow().done
})

test('a log that is with this server costs no question', async () => {
  const all = await rig()
  await take(all, all.server)
  all.watch.took([all.key])
  await all.logs.append(all.key, 0, words('here'))
  let asked = 0
  const db = { query: () => Promise.reject(new Error(`asked ${++asked} times`)) } as unknown as QueueWorld['db']
  const parts = { db, server: all.server, logs: all.logs, watch: all.watch, shared: null, peers: () => null }
  const places = createLogPlaces(parts)
  expect(await (await places.open(all.job)).size('all')).toBe(4)
  await all.logs.seal(all.key)
  all.watch.done(all.key)
  const { bytes } = await (await places.open(all.job)).read({ stream: 'all', offset: 0, limit: 9 })
  expect(bytes.toString()).toBe('here')
  for await (const _ of places.follow(all.job, { stream: 'all', offset: 0 }, new AbortController().signal));
  expect(asked).toBe(0)
})

test('taking a log is told once, and asking again writes nothing', async () => {
  const all = await rig()
  const heard: string[] = []
  const { listen } = await import('../db/listen.ts')
  const listener = listen(all.world.url, { [logsChannel]: (payload) => heard.push(payload) }, () => {})
  onTestFinished(() => listener.stop())
  await listener.ready
  expect(await take(all, all.other)).toEqual([true])
  const version = async () =>
    (await all.world.db.query<{ v: string }>('select xmin::text as v from attempts')).rows[0]!.v
  const before = await version()
  expect(await take(all, all.other)).toEqual([true])
  expect(await version()).toBe(before)
  const stale = { ...all.job, token: '999999' }
  expect(await takeLogs(all.world.db, [{ ...all.runner.from, ref: stale }], all.server)).toEqual([false])
  await end(all, all.other, 1)
  expect(await take(all, all.server)).toEqual([false])
  await until(() => heard.length > 0)
  expect(heard).toEqual([`taken ${all.other} ${all.key}`])
})
