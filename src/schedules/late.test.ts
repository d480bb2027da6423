import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { AppError } from '../lib/app-error.ts'
import { checkLate, type LateTick } from './late.ts'
import { runDueSchedules } from './scheduler.ts'
import { bookkeeping, scheduleWorld } from './testing/world.ts'

const at = (time: string) => (): Promise<Date> => Promise.resolve(new Date(`2026-06-01T${time}Z`))

test('a tick without a run that has begun is told once, when its time is over', async () => {
  const { db, drop } = await testDatabase()
  onTestFinished(drop)
  const w = await scheduleWorld(db)
  const from = await at('12:00')()
  const options = { cron: '0 * * * *', late_after_seconds: 300 }
  const waiting = await w.schedule(from, options)
  const begun = await w.schedule(from, options)
  const refused = await w.schedule(from, options)
  const run = async (key: string, started: boolean): Promise<string> => {
    const id = `run${key.padStart(9, '0')}`
    await db.query(
      `insert into runs (public_id, kind, owner_id, name, size, started_at) values ($1, 'pipeline', $2, 'x', 0, $3)`,
      [id, w.ownerId, started ? await at('12:01')() : null],
    )
    return id
  }
  const runs = { [waiting]: await run(waiting, false), [begun]: await run(begun, true) }
  await runDueSchedules(
    db,
    {
      ...bookkeeping,
      async fire(_tx, { key }) {
        if (key === refused) throw new AppError('resource_exhausted', 'the waiting list is full')
        return { run: runs[key]! }
      },
    },
    at('12:00:01'),
  )
  const told: LateTick[] = []
  const tell = async (_tx: unknown, late: LateTick[]): Promise<void> => void told.push(...late)
  expect(await checkLate(db, tell, at('12:04:59'))).toBe(0)
  await expect(checkLate(db, () => Promise.reject(new Error('away')), at('12:05'))).rejects.toThrow('away')
  expect(await checkLate(db, tell, at('12:05'))).toBe(2)
  expect(await checkLate(db, tell, at('12:06'))).toBe(0)
  const shown = told.map(({ outcome, run: id, reason }) => [outcome, id, reason])
  expect(shown.toSorted(([a], [b]) => (a! < b! ? -1 : 1))).toEqual([
    ['refused', null, 'the waiting list is full'],
    ['started', runs[waiting], null],
  ])
})
