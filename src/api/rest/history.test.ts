import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer({
    RUNYARD_RETAIN_DAYS: '7',
    RUNYARD_RETAIN_COUNT: '50',
    RUNYARD_RETAIN_USER_COUNT: '90',
    RUNYARD_RETAIN_USER_BYTES: '1G',
  })
})
afterAll(() => server.close())

test('a queue keeps as the installation does until it has a value of its own; null gives it back', async () => {
  const { queues } = server.client.calls
  expect(await queues.put({ name: 'builds', concurrency: 2 })).toMatchObject({
    ...{ retain_days: null, retain_count: null, retention: { days: 7, count: 50 } },
  })
  await queues.put({ name: 'builds', concurrency: 2, retain_days: 0.5, retain_count: 0 })
  const listed = (await queues.list()).queues.find((queue) => queue.name === 'builds')
  expect(listed).toMatchObject({
    ...{ concurrency: 2, retain_days: 0.5, retain_count: 0, retention: { days: 0.5, count: 0 } },
    ...{ waiting: 0, running: 0, kept: 0, log_bytes: 0 },
  })
  expect(await queues.put({ name: 'builds', retain_days: null })).toMatchObject({ retention: { days: 7, count: 50 } })
  for (const wrong of [{ retain_days: -1 }, { retain_count: 1.5 }]) {
    await expect(queues.put({ name: 'builds', ...wrong })).rejects.toMatchObject({ code: 'invalid_argument' })
  }
})

test('what is kept of a user is shown to them and to administrators, and to nobody else', async () => {
  const anna = await server.person('operator', 'anna')
  const ben = await server.person('viewer', 'ben')
  await server.client.calls.queues.put({ name: 'parked', paused: true })
  const job = await anna.client.calls.jobs.submit({ command: ['true'], queue: 'parked' })
  await anna.client.calls.jobs.submit({ command: ['true'], queue: 'parked' })
  await anna.client.calls.jobs.cancel({ id: job.id })
  await server.db.query('update jobs set log_bytes = 5 where public_id = $1', [job.id])
  const usage = { open_jobs: 1, kept_jobs: 1, log_bytes: 5, retain_count: 90, retain_bytes: 2 ** 30 }
  expect(await anna.client.calls.users.get({ username: 'anna' })).toMatchObject({ username: 'anna', usage })
  expect(await server.client.calls.users.get({ username: 'Anna' })).toMatchObject({ username: 'anna', usage })
  await expect(ben.client.calls.users.get({ username: 'anna' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(ben.client.calls.users.get({ username: 'nobody' })).rejects.toMatchObject({ code: 'not_found' })
  expect((await ben.client.calls.users.get({ username: 'ben' })).usage).toMatchObject({ open_jobs: 0, log_bytes: 0 })
  const { users } = await server.client.calls.users.list()
  expect(users.find((user) => user.username === 'anna')?.usage).toEqual(usage)
  await anna.client.calls.jobs.delete({ id: job.id })
  expect((await anna.client.calls.users.get({ username: 'anna' })).usage).toMatchObject({ kept_jobs: 0, log_bytes: 0 })
})
