import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { aRunner, aUser } from '../../test/factories.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { encodeRecord } from '../logs/records.ts'
import { logSweeper } from './sweep-logs.ts'

test('a log is sealed when its attempt is over, and left alone while it is written or when it is unknown here', async () => {
  const { db, drop } = await testDatabase()
  const dir = scratchDir('l')
  onTestFinished(async () => {
    await drop()
    removeScratch(dir)
  })
  const owner = await aUser(db)
  const runner = await aRunner(db)
  const attempt = async (state: 'running' | 'lost'): Promise<string> => {
    const { rows } = await db.query<{ id: string }>(
      `with job as (
         insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, last_attempt)
         select substr(md5(random()::text), 1, 12), $1, id, $2, 'x', '{}', 5, 1, 1 from queues where name = 'default'
         returning id)
       insert into attempts (job_id, number, runner_id, state, lease_expires_at, ended_at)
       select id, 1, $3, $2, now(), case when $2 = 'lost' then now() end from job returning job_id as id`,
      [owner.id, state, runner.id],
    )
    return `${rows[0]!.id}-1`
  }
  const open = await attempt('running')
  const lost = await attempt('lost')
  const unknown = '999999-1'
  const before = createLocalLogStore(dir)
  for (const key of [open, lost, unknown]) await before.append(key, 0, encodeRecord('stdout', 1, Buffer.from('text')))
  await before.close()

  const logs = createLocalLogStore(dir)
  onTestFinished(() => logs.close())
  await logSweeper(db, logs).runOnce()
  expect(await logs.sealed(open)).toBeNull()
  expect(await logs.sealed(lost)).toMatchObject({ stdout_bytes: 4 })
  expect(await logs.sealed(unknown)).toBeNull()
  expect(await logs.size(unknown, 'all')).toBe(4)
  expect(await logs.size(lost, 'all')).toBe(4)
})
