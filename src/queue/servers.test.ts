import { expect, test } from 'vitest'
import { good, queueWorld } from '../../test/queue-world.ts'
import { finish } from './finish.ts'
import { adoptLogs, doRemovals, keptLogs, leaveRemovals, logPlaceOf, takeLogs } from './log-places.ts'
import { recordLogSizes } from './log-sizes.ts'
import { joinServers, pruneServers, seeServer, serverBeat } from './servers.ts'
import { attemptKey } from './types.ts'

const empty = { length: 0, stdout_bytes: 0, stderr_bytes: 0, truncated_bytes: 0 }

test('a server keeps its row over restarts; of two with one name the later one has it', async () => {
  const { db } = await queueWorld()
  const first = await joinServers(db, { name: 'a', version: '1' })
  expect(await seeServer(db, first, '10.0.0.1:1')).toBe(true)
  const second = await joinServers(db, { name: 'a', version: '2' })
  expect(second.id).toBe(first.id)
  expect(await seeServer(db, first, '10.0.0.1:1')).toBe(false)
  await serverBeat(db, second, () => '10.0.0.2:1').runOnce()
  const { rows } = await db.query('select name, version, address from servers')
  expect(rows).toEqual([{ name: 'a', version: '2', address: '10.0.0.2:1' }])
})

test('a server that never came back is forgotten once none of its logs is left', async () => {
  const world = await queueWorld()
  const { db } = world
  const [a, b, c] = [
    await joinServers(db, { name: 'a', version: '1' }),
    await joinServers(db, { name: 'b', version: '1' }),
    await joinServers(db, { name: 'c', version: '1' }),
  ]
  await world.submit({}, {})
  const runner = await world.runner()
  const [one, two] = await runner.claim()
  await takeLogs(db, [{ ...runner.from, ref: one! }], a.id)
  await finish(db, [{ ...runner.from, ref: two!, outcome: good, log: empty }], undefined, {
    server: b.id,
    shared: true,
  })
  expect(await logPlaceOf(db, two!)).toMatchObject({ server: b.id, shared: true, over: true })
  await db.query(`update servers set last_seen_at = now() - interval '8 days' where name <> 'c'`)
  expect(await pruneServers(db)).toEqual(['b'])
  await finish(db, [{ ...runner.from, ref: one!, outcome: good, log: empty }])
  // Where nothing is said the server stays that was written down.
  expect(await logPlaceOf(db, one!)).toMatchObject({ server: a.id, shared: false, there: false })
  await db.query('delete from jobs where id = $1', [one!.jobKey])
  expect(await pruneServers(db)).toEqual(['a'])
  expect(await seeServer(db, c, null)).toBe(true)
})

test('removals wait for their server, and are done again when it dies over them', async () => {
  const { db } = await queueWorld()
  const [a, b] = [
    await joinServers(db, { name: 'a', version: '1' }),
    await joinServers(db, { name: 'b', version: '1' }),
  ]
  const logs = Array.from({ length: 1_100 }, (_, i) => ({
    server: i % 11 === 0 ? b.id : a.id,
    attempt: { jobKey: String(i + 1), number: 1 },
  }))
  await leaveRemovals(db, logs)
  await leaveRemovals(db, [...logs.slice(0, 3), { server: '4711', attempt: { jobKey: '1', number: 1 } }])
  const removed: string[] = []
  const dies = doRemovals(db, a.id, async () => {
    throw new Error('the disk is gone')
  })
  await expect(dies).rejects.toThrow('the disk is gone')
  expect(await doRemovals(db, a.id, async (attempt) => void removed.push(attemptKey(attempt)))).toBe(1_000)
  expect(new Set(removed).size).toBe(1_000)
  expect(await doRemovals(db, a.id, async () => {})).toBe(0)
  expect(await doRemovals(db, b.id, async () => {})).toBe(100)
})

test('of its logs a server learns which count, and takes on those of nobody that are over', async () => {
  const world = await queueWorld()
  const { db } = world
  const [a, b] = [
    await joinServers(db, { name: 'a', version: '1' }),
    await joinServers(db, { name: 'b', version: '1' }),
  ]
  await world.submit({}, {}, {})
  const runner = await world.runner()
  const [mine, other, nobodys] = (await runner.claim()) as [
    (typeof runner.held)[0],
    (typeof runner.held)[0],
    (typeof runner.held)[0],
  ]
  await takeLogs(db, [{ ...runner.from, ref: mine }], a.id)
  await takeLogs(db, [{ ...runner.from, ref: other }], b.id)
  const names = [mine, other, nobodys].map(attemptKey)
  const kept = async () =>
    new Map((await keptLogs(db, [...names, '999-1'], a.id)).map(({ name, ...log }) => [name, log]))
  const running = { over: false, here: false, elsewhere: false, shared: false, nowhere: false }
  expect([...(await kept()).values()].length).toBe(3)
  expect((await kept()).get(names[0]!)).toEqual({ ...running, here: true })
  expect((await kept()).get(names[1]!)).toEqual({ ...running, elsewhere: true })
  expect((await kept()).get(names[2]!)).toEqual({ ...running, nowhere: true })
  await adoptLogs(db, names, a.id)
  expect((await kept()).get(names[2]!)).toMatchObject({ nowhere: true }) // it may still come to another
  for (const ref of [mine, other, nobodys]) await finish(db, [{ ...runner.from, ref, outcome: good, log: null }])
  await adoptLogs(db, names, a.id)
  expect((await kept()).get(names[2]!)).toMatchObject({ here: true, over: true })
  expect((await kept()).get(names[1]!)).toMatchObject({ elsewhere: true })
  // One that is away may be this very server under a name that it lost: nothing of it counts as elsewhere.
  await db.query(`update servers set last_seen_at = now() - interval '1 min' where id = $1`, [b.id])
  expect((await kept()).get(names[1]!)).toMatchObject({ elsewhere: false, here: false })
  await recordLogSizes(db, [{ attempt: mine, log: empty, shared: true }])
  expect((await kept()).get(names[0]!)).toMatchObject({ shared: true })
})
