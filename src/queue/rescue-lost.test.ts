import { expect, test } from 'vitest'
import { good, lease, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { heartbeat } from './heartbeat.ts'
import { promoteDue } from './promote-due.ts'
import { rescueLost } from './rescue-lost.ts'
import { listRunners, registerRunner } from './runners.ts'
import { finish } from './finish.ts'

const options = { intervalSeconds: 2, leaseSeconds: 30, graceSeconds: 30 }
const pass = (world: QueueWorld) => rescueLost(world.db, options)
const beat = (
  world: QueueWorld,
  runner: { from: { runnerId: string; session: string } },
  held: Parameters<typeof heartbeat>[1][0]['held'],
) => heartbeat(world.db, [{ ...runner.from, held }], lease)

/** A world where upkeep has been running all the time. */
async function calmWorld(): Promise<QueueWorld> {
  const world = await queueWorld()
  await world.db.query(`update installation set upkeep_seen_at = now(), reap_not_before = now() - interval '1 s'`)
  return world
}

test('a heartbeat keeps the lease', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  for (let i = 0; i < 4; i++) {
    await world.passTime(25)
    await beat(world, runner, [job])
    expect(await pass(world)).toMatchObject({ unknown: 0, lost: [] })
  }
  expect(await world.state(id!)).toBe('leased')
})

test('unknown at the end of the lease, lost after the grace, tried again', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({ max_attempts: 2 })
  const runner = await world.runner()
  const job = await runner.claimOne()
  await runner.started(job)
  await world.passTime(29)
  expect(await pass(world)).toEqual({ unknown: 0, lost: [], offline: 0 })
  await world.passTime(2)
  expect(await pass(world)).toEqual({ unknown: 1, lost: [], offline: 1 })
  expect(await world.state(id!)).toBe('unknown')
  await world.passTime(28)
  expect(await pass(world)).toMatchObject({ lost: [] })
  await world.passTime(2)
  expect(await pass(world)).toMatchObject({ lost: [{ jobKey: job.jobKey, number: 1 }] })
  const row = await world.row(id!)
  expect(row).toMatchObject({ state: 'scheduled', attempts_spent: 1, outcome: { state: 'lost', error_class: 'lost' } })
  expect((row.outcome as { message: string }).message).toContain(runner.description.name)

  await world.passTime(5)
  await promoteDue(world.db)
  const other = await world.runner()
  expect(await other.claimOne()).toMatchObject({ publicId: id, number: 2 })
  expect((await beat(world, runner, [job])).get(runner.from.runnerId)).toEqual({
    renewed: [],
    cancel: [],
    kill: [],
    stale: [job],
  })
  expect((await runner.finish(job)).results).toEqual(['stale'])
})

test('with one attempt, lost is the end', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({})
  const [after] = await world.submit({ depends_on: [id!] })
  await (await world.runner()).claimOne()
  await world.passTime(61)
  await pass(world)
  expect(await world.state(id!)).toBe('lost')
  expect(await world.state(after!)).toBe('skipped')
  expect(await world.attempts(id!)).toEqual([{ number: 1, state: 'lost' }])
})

test.each(['leased', 'running'] as const)('heard again inside the grace: %s as before', async (state) => {
  const world = await calmWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  if (state === 'running') await runner.started(job)
  await world.passTime(45)
  await pass(world)
  expect(await world.state(id!)).toBe('unknown')
  expect((await listRunners(world.db))[0]!.state).toBe('offline')
  expect((await beat(world, runner, [job])).get(runner.from.runnerId)!.renewed).toEqual([job])
  expect(await world.state(id!)).toBe(state)
  expect(await world.attempts(id!)).toEqual([{ number: 1, state }])
  expect((await listRunners(world.db))[0]!.state).toBe('online')
  await world.passTime(20)
  expect(await pass(world)).toMatchObject({ unknown: 0, lost: [] })
})

test('a start or a finish of a silent runner counts', async () => {
  const world = await calmWorld()
  const [a, b] = await world.submit({}, {})
  const runner = await world.runner()
  const jobs = await runner.claim()
  await world.passTime(31)
  await pass(world)
  await runner.started(jobs[0]!)
  await runner.finish(jobs[1]!)
  expect([await world.state(a!), await world.state(b!)]).toEqual(['running', 'succeeded'])
})

test('after an outage nothing is reaped for one full lease period', async () => {
  const world = await calmWorld()
  const [id, silent] = await world.submit({}, {})
  const runner = await world.runner()
  const gone = await world.runner()
  const job = await runner.claimOne()
  await gone.claimOne()
  const back = (seconds: number) =>
    world.db.query(
      `update installation set upkeep_seen_at = upkeep_seen_at - make_interval(secs => $1),
      reap_not_before = reap_not_before - make_interval(secs => $1)`,
      [seconds],
    )
  // The database, or all servers, were away for 200 s.
  await world.passTime(200)
  await back(200)
  const nothing = { unknown: 0, lost: [], offline: 0 }
  expect(await pass(world)).toEqual(nothing)
  for (let i = 0; i < 14; i++) {
    await world.passTime(2)
    await back(2)
    expect(await pass(world)).toEqual(nothing)
  }
  await beat(world, runner, [job])
  await world.passTime(3)
  await back(3)
  expect(await pass(world)).toMatchObject({ unknown: 1, lost: [{ number: 1 }] })
  expect([await world.state(id!), await world.state(silent!)]).toEqual(['leased', 'lost'])
})

test('a pass that is a little late is no outage', async () => {
  const world = await calmWorld()
  await world.submit({})
  await (await world.runner()).claimOne()
  await world.passTime(31)
  await world.db.query(`update installation set upkeep_seen_at = now() - interval '9 s'`)
  expect(await pass(world)).toMatchObject({ unknown: 1 })
})

/** Everything that is stored lies so much further back, as after a jump of the clock. */
async function clockJumps(world: QueueWorld, seconds: number): Promise<void> {
  await world.passTime(seconds)
  await world.db.query(
    `update installation set upkeep_seen_at = upkeep_seen_at - make_interval(secs => $1),
     reap_not_before = reap_not_before - make_interval(secs => $1)`,
    [seconds],
  )
}

test.each([11, 3600, 86_400])('the clock jumps %i s forward: whoever lives has a lease to say so', async (seconds) => {
  const world = await calmWorld()
  const [alive, dead] = await world.submit({}, {})
  const runner = await world.runner()
  const gone = await world.runner()
  const job = await runner.claimOne()
  await gone.claimOne()
  await pass(world)
  await clockJumps(world, seconds)
  expect(await pass(world)).toEqual({ unknown: 0, lost: [], offline: 0 })
  await beat(world, runner, [job])
  for (let i = 0; i < 7; i++) {
    await clockJumps(world, 9)
    await beat(world, runner, [job])
    await pass(world)
  }
  expect([await world.state(alive!), await world.state(dead!)]).toEqual(['leased', 'lost'])
})

test.each([3600, 86_400])('the clock is set back %i s: a dead runner is found out as soon as ever', async (seconds) => {
  const world = await calmWorld()
  const [alive, dead] = await world.submit({}, {})
  const runner = await world.runner()
  const gone = await world.runner()
  const job = await runner.claimOne()
  await gone.claimOne()
  await pass(world)
  await clockJumps(world, -seconds)
  expect(await pass(world)).toEqual({ unknown: 0, lost: [], offline: 0 })
  for (let i = 0; i < 8; i++) {
    await clockJumps(world, 9)
    await beat(world, runner, [job])
    await pass(world)
  }
  expect([await world.state(alive!), await world.state(dead!)]).toEqual(['leased', 'lost'])
  expect((await listRunners(world.db)).map(({ state }) => state).sort()).toEqual(['offline', 'online'])
})

test('the runner has the last word while the rescue holds nothing: renewed in between is not lost', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  await world.passTime(31)
  // A heartbeat in progress holds the attempt; the rescue leaves it out instead of waiting and then deciding on old news.
  await world.db.tx(async (tx) => {
    await heartbeat(tx, [{ ...runner.from, held: [job] }], lease)
    expect(await pass(world)).toMatchObject({ unknown: 0 })
  })
  expect(await pass(world)).toMatchObject({ unknown: 0 })
  expect(await world.state(id!)).toBe('leased')
})

test('many runners beat in one call; each is told its own', async () => {
  const world = await calmWorld()
  await world.submit(...Array.from({ length: 6 }, () => ({})))
  const runners = await Promise.all([1, 2, 3].map(() => world.runner()))
  for (const runner of runners) await runner.claim({ slots: 2 })
  const [one, two, three] = runners
  await two!.finish(two!.held[0]!)
  const foreign = three!.held[0]!
  const answers = await heartbeat(
    world.db,
    [
      { ...one!.from, held: [...one!.held, foreign, one!.held[0]!] },
      { ...two!.from, held: two!.held },
      { ...three!.from, session: 'old', held: three!.held },
    ],
    lease,
  )
  expect(answers.get(one!.from.runnerId)).toEqual({
    renewed: [...one!.held, one!.held[0]],
    cancel: [],
    kill: [],
    stale: [foreign],
  })
  expect(answers.get(two!.from.runnerId)!.renewed).toEqual(two!.held)
  expect(answers.get(three!.from.runnerId)).toEqual({ renewed: [], cancel: [], kill: [], stale: three!.held })
})

test('a new process of a runner gets what the name holds, and its messages count', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  const job = await runner.claimOne()
  await runner.started(job)
  const next = { ...runner.description, session: 'next', labels: { zone: 'x', arch: 'y' } }
  const { runnerId, held } = await registerRunner(world.db, next)
  const { jobKey, number, token } = job
  expect({ runnerId, held }).toEqual({ runnerId: runner.from.runnerId, held: [{ jobKey, number, token }] })
  expect((await runner.finish(job)).results).toEqual(['stale'])
  const from = { runnerId, session: 'next' }
  expect((await finish(world.db, [{ ...from, ref: held[0]!, outcome: good, log: null }])).results).toEqual(['accepted'])
  expect(await world.state(id!)).toBe('succeeded')
  expect(await listRunners(world.db)).toMatchObject([{ labels: ['arch=y', 'zone=x'], slotsUsed: 0, state: 'online' }])
})

test('a restarted runner that finds an attempt gone may say so at once', async () => {
  const world = await calmWorld()
  const [id] = await world.submit({ max_attempts: 2 })
  const runner = await world.runner()
  await runner.finish(await runner.claimOne(), { state: 'lost', error_class: 'lost' })
  expect(await world.state(id!)).toBe('scheduled')
})
