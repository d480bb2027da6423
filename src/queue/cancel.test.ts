import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../db/listen.ts'
import { terminalStates } from '../job/state.ts'
import { aUser } from '../../test/factories.ts'
import { bad, good, lease, queueWorld, someoneWaits } from '../../test/queue-world.ts'
import { cancel, cancelMany } from './cancel.ts'
import { cancelsAmong } from './cancels-among.ts'
import { finish } from './finish.ts'
import { handBack } from './hand-back.ts'
import { heartbeat } from './heartbeat.ts'
import { promoteDue } from './promote-due.ts'
import { loseSilent, markUnknown } from './rescue-lost.ts'

test('a waiting job is cancelled at once and never starts', async () => {
  const world = await queueWorld()
  const [queued, scheduled] = await world.submit({}, { delay_seconds: 60 })
  const [blocked] = await world.submit({ depends_on: [scheduled!] })
  for (const publicId of [queued!, blocked!, scheduled!]) {
    expect(await cancel(world.db, { publicId, reason: 'not needed' })).toEqual({
      publicId,
      state: 'cancelled',
      requested: false,
    })
    const row = await world.row(publicId)
    expect(row).toMatchObject({ state: 'cancelled', cancel_reason: 'not needed', started_at: null })
    expect(row.outcome).toMatchObject({ state: 'cancelled', remaining_processes: 0 })
    expect(row.ended_at).not.toBeNull()
  }
  await world.passTime(100)
  await promoteDue(world.db)
  expect(await (await world.runner()).claim()).toEqual([])
})

test.each(['leased', 'running', 'unknown'] as const)('a %s job is stopped by its runner', async (state) => {
  const world = await queueWorld()
  const [publicId] = await world.submit({ max_attempts: 5 })
  const runner = await world.runner()
  const job = await runner.claimOne()
  if (state === 'running') await runner.started(job)
  if (state === 'unknown') {
    await world.passTime(31)
    await markUnknown(world.db)
  }
  const answer = { publicId, state, requested: true }
  expect(await cancel(world.db, { publicId: publicId!, reason: 'first' })).toEqual(answer)
  const first = (await world.row(publicId!)).cancel_requested_at
  expect(await cancel(world.db, { publicId: publicId!, reason: 'second' })).toEqual(answer)
  expect(await world.row(publicId!)).toMatchObject({ cancel_requested_at: first, cancel_reason: 'first' })

  const { jobKey, number, token } = job
  expect(await cancelsAmong(world.db, [publicId!])).toEqual([
    { runnerId: runner.from.runnerId, ref: { jobKey, number, token }, now: false },
  ])
  const answers = await heartbeat(world.db, [{ ...runner.from, held: [job] }], lease)
  expect(answers.get(runner.from.runnerId)).toEqual({ renewed: [job], cancel: [job], kill: [], stale: [] })
  await runner.finish(job, { state: 'cancelled', signal: 'SIGTERM', remaining_processes: 0 })
  expect(await world.row(publicId!)).toMatchObject({ state: 'cancelled', attempts_spent: 1 })
  expect(await cancelsAmong(world.db, [publicId!])).toEqual([])
})

test.each(terminalStates)('a job that ended as %s is a conflict that says so', async (state) => {
  const world = await queueWorld()
  const [publicId] = await world.submit({})
  await world.db.query('alter table jobs disable trigger check_move')
  await world.db.query('update jobs set state = $1, ended_at = now()', [state])
  const before = await world.row(publicId!)
  await expect(cancel(world.db, { publicId: publicId! })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(state),
  })
  expect(await world.row(publicId!)).toEqual(before)
})

test('a forced cancel is told to the runner at once, also after a plain one, and stays forced', async () => {
  const world = await queueWorld()
  const [first, second] = await world.submit({}, {})
  const runner = await world.runner()
  const jobs = await runner.claim({ slots: 2 })
  let notices = ''
  const listening = listen(world.url, { runyard_jobs: (ids) => (notices += `${ids}\n`) }, () => {})
  onTestFinished(() => listening.stop())
  await listening.ready
  const kills = async () => {
    const answer = (await heartbeat(world.db, [{ ...runner.from, held: jobs }], lease)).get(runner.from.runnerId)!
    return [answer.cancel.length, answer.kill]
  }
  await cancel(world.db, { publicId: first!, reason: 'plain' })
  await expect.poll(() => notices).toBe(`${first}\n`)
  expect(await kills()).toEqual([1, []])
  const before = await world.row(first!)

  await cancel(world.db, { publicId: first!, reason: 'now', force: true })
  await expect.poll(() => notices).toBe(`${first}\n${first}\n`)
  expect(await world.row(first!)).toEqual({ ...before, cancel_now: true })
  expect(await cancelsAmong(world.db, [first!, second!])).toMatchObject([{ now: true }])
  expect(await kills()).toEqual([1, [jobs[0]]])

  await cancel(world.db, { publicId: first! })
  await cancel(world.db, { publicId: second!, force: true })
  expect(await kills()).toEqual([2, jobs])
})

test('an unknown job, or one of another user, is not found', async () => {
  const world = await queueWorld()
  const [publicId] = await world.submit({})
  const ownerId = (await aUser(world.db)).id
  await expect(cancel(world.db, { publicId: '000000000000' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(cancel(world.db, { publicId: publicId!, ownerId })).rejects.toMatchObject({ code: 'not_found' })
  expect(await world.state(publicId!)).toBe('queued')
})

test.each([
  ['succeeded', good],
  ['failed', bad],
] as const)('an acknowledged cancel never ends as %s', async (state, outcome) => {
  const world = await queueWorld()
  const [publicId] = await world.submit({ max_attempts: 5 })
  const runner = await world.runner()
  const job = await runner.claimOne()
  await cancel(world.db, { publicId: publicId! })
  await runner.finish(job, outcome)
  const row = await world.row(publicId!)
  expect(row.state).toBe('cancelled')
  expect(row.outcome).toMatchObject({ state: 'cancelled', exit_code: outcome.exit_code })
  expect((row.outcome as { message: string }).message).toContain(state)
  expect(await world.attempts(publicId!)).toEqual([{ number: 1, state: 'cancelled' }])
})

test('cancel in the middle of a finish waits and is told the end', async () => {
  const world = await queueWorld()
  const [publicId] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  let cancelling: Promise<unknown> | undefined
  await world.db.tx(async (tx) => {
    await finish(tx, [{ ...runner.from, ref: job, outcome: good, log: null }])
    cancelling = cancel(world.db, { publicId: publicId! }).catch((error: unknown) => error)
    await someoneWaits(world.db)
  })
  expect(await cancelling).toMatchObject({ code: 'conflict', message: expect.stringContaining('succeeded') })
  expect(await world.state(publicId!)).toBe('succeeded')
})

test('a finish in the middle of a cancel waits and honours it', async () => {
  const world = await queueWorld()
  const [publicId] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  let finishing: Promise<unknown> | undefined
  await world.db.tx(async (tx) => {
    await cancel(tx, { publicId: publicId! })
    finishing = runner.finish(job)
    await someoneWaits(world.db)
  })
  expect(await finishing).toMatchObject({ results: ['accepted'] })
  expect(await world.state(publicId!)).toBe('cancelled')
})

test('many races of cancel and finish: each is answered truly', async () => {
  const world = await queueWorld()
  const second = world.secondDb()
  const ids = await world.submit(...Array.from({ length: 60 }, () => ({})))
  const runner = await world.runner({ slots: 60 })
  const jobs = await runner.claim()
  const cancelled = new Set<string>()
  await Promise.all([
    ...jobs.map((job) => runner.finish(job)),
    ...ids.map(async (publicId) => {
      const ok = await cancel(second, { publicId }).then(
        () => true,
        () => false,
      )
      if (ok) cancelled.add(publicId)
    }),
  ])
  for (const id of ids) expect(await world.state(id)).toBe(cancelled.has(id) ? 'cancelled' : 'succeeded')
})

test('a cancelled job that is handed back or whose runner is lost ends as cancelled', async () => {
  const world = await queueWorld()
  const [back, lost] = await world.submit({ max_attempts: 5 }, { max_attempts: 5 })
  const runner = await world.runner()
  const [first] = await runner.claim()
  await cancelMany(world.db, { ids: [back!, lost!] })
  expect((await handBack(world.db, [{ ...runner.from, ref: first! }])).changed).toEqual([back])
  expect(await world.state(back!)).toBe('cancelled')
  await world.passTime(61)
  await markUnknown(world.db)
  await loseSilent(world.db, { graceSeconds: 30 })
  expect(await world.state(lost!)).toBe('cancelled')
})

test('a cancel while a retry waits', async () => {
  const world = await queueWorld()
  const [publicId] = await world.submit({ max_attempts: 5 })
  const runner = await world.runner()
  await runner.finish(await runner.claimOne(), bad)
  await cancel(world.db, { publicId: publicId! })
  expect(await world.row(publicId!)).toMatchObject({ state: 'cancelled', attempts_spent: 1 })
})

test('several at once, each with its own answer', async () => {
  const world = await queueWorld()
  const runner = await world.runner()
  const [ended, held, waits] = await world.submit({}, {}, {})
  const jobs = await runner.claim({ slots: 2 })
  await runner.finish(jobs[0]!)
  const answers = await cancelMany(world.db, { ids: [waits!, held!, ended!, '000000000000'] })
  expect(new Map(answers.map((a) => [a.publicId, [a.state, a.requested, a.ended]]))).toEqual(
    new Map([
      [ended, ['succeeded', false, true]],
      [held, ['leased', true, false]],
      [waits, ['cancelled', false, false]],
    ]),
  )
})
