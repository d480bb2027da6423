import { expect, test } from 'vitest'
import { testDatabase } from './database.ts'
import { aQueue, aRunner, aUser, someJobs } from './factories.ts'

test('the factories make rows that the schema accepts, in the order given', async () => {
  const { db, drop } = await testDatabase()
  try {
    const owner = await aUser(db, { role: 'admin' })
    const queue = await aQueue(db, { concurrency: 2 })
    await aRunner(db, { labels: ['zone=a'] })
    const { jobs } = await someJobs(db, { count: 3, ownerId: owner.id, queue: queue.name, requiredLabels: ['zone=a'] })
    const found = await db.query('select public_id from jobs where lane_id is not null and state = $1 order by id', [
      'queued',
    ])
    expect(found.rows.map((row) => row.public_id)).toEqual(jobs.map((job) => job.publicId))
    expect(
      (await db.query('select current_user as u, usesuper as s from pg_user where usename = current_user')).rows,
    ).toEqual([{ u: 'runyard', s: false }])
  } finally {
    await drop()
  }
})
