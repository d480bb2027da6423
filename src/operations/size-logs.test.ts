import { expect, onTestFinished, test } from 'vitest'
import { good, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { readStoredCopies } from '../logs/stored-copies.ts'
import type { LogStore } from '../logs/log-store.ts'
import { encodeRecord } from '../logs/records.ts'
import { finish } from '../queue/finish.ts'
import { handBack } from '../queue/hand-back.ts'
import { pruneOld } from '../queue/prune.ts'
import { usageByOwner } from '../queue/totals.ts'
import { attemptKey, type ClaimedJob } from '../queue/types.ts'
import { createLogKeeper, type LogKeeper } from './log-keeper.ts'
import { logSizer } from './size-logs.ts'

const record = encodeRecord('stdout', 1, Buffer.from('text'))

function logStore(): { logs: LogStore; keeper: LogKeeper; dir: string } {
  const dir = scratchDir('l')
  const logs = createLocalLogStore(dir)
  onTestFinished(async () => {
    await logs.close()
    removeScratch(dir)
  })
  const copies = () => readStoredCopies(dir)
  return { logs, keeper: createLogKeeper({ server: '1', logs, shared: null, copies }), dir }
}

async function claimedWithLog(world: QueueWorld, logs: LogStore) {
  await world.submit({ max_attempts: 2 })
  const runner = await world.runner()
  const job = await runner.claimOne()
  await logs.append(attemptKey(job), 0, record)
  return { runner, job }
}

const stored = async (logs: LogStore): Promise<string[]> => {
  const keys: string[] = []
  for await (const log of logs.list()) keys.push(log.attemptKey)
  return keys.toSorted()
}

const sizeOf = async (world: QueueWorld): Promise<number> =>
  (await usageByOwner(world.db, world.userId)).get(world.userId)?.logBytes ?? 0

test('a log whose attempt was given back is counted when nobody writes to it any more, once', async () => {
  const world = await queueWorld()
  const { logs, keeper } = logStore()
  const { runner, job } = await claimedWithLog(world, logs)
  await handBack(world.db, [{ ...runner.from, ref: job }])
  await logSizer(world.db, logs, keeper).runOnce()
  expect(await sizeOf(world)).toBe(0)
  await Promise.all([
    logSizer(world.db, logs, keeper, 0).runOnce(),
    logSizer(world.secondDb(), logs, keeper, 0).runOnce(),
  ])
  expect(await sizeOf(world)).toBe(record.length)
  await logSizer(world.db, logs, keeper, 0).runOnce()
  expect(await sizeOf(world)).toBe(record.length)
})

const finishWithLog = async (world: QueueWorld, logs: LogStore): Promise<ClaimedJob> => {
  const { runner, job } = await claimedWithLog(world, logs)
  const log = await logs.seal(attemptKey(job), record.length)
  await finish(world.db, [{ ...runner.from, ref: job, outcome: good, log }])
  return job
}

test('pruning takes the logs along; what a killed pass left half done the next one ends', async () => {
  const world = await queueWorld()
  const { logs } = logStore()
  const jobs = [await finishWithLog(world, logs), await finishWithLog(world, logs), await finishWithLog(world, logs)]
  await world.db.query(`update jobs set ended_at = now() - interval '1 year' where id < $1`, [jobs[2]!.jobKey])
  expect(await sizeOf(world)).toBe(3 * record.length)
  const options = { retainDays: 30, retainCount: 0 }
  const killed = pruneOld(world.db, {
    ...options,
    async removeLogs(attempts) {
      await logs.remove(attemptKey(attempts[0]!))
      throw new Error('killed')
    },
  })
  await expect(killed).rejects.toThrow('killed')
  expect((await world.db.query('select from jobs')).rowCount).toBe(3)
  expect(await stored(logs)).toEqual(jobs.slice(1).map(attemptKey))
  const removeLogs = async (attempts: Parameters<typeof attemptKey>[0][]): Promise<void> => {
    for (const attempt of attempts) await logs.remove(attemptKey(attempt))
  }
  await pruneOld(world.db, { ...options, removeLogs })
  expect(await stored(logs)).toEqual([attemptKey(jobs[2]!)])
  expect((await world.db.query('select from jobs')).rowCount).toBe(1)
  expect((await world.db.query('select from attempts')).rowCount).toBe(1)
  expect(await sizeOf(world)).toBe(record.length)
})
