import { expect, test } from 'vitest'
import { aJob, bad, good, queueWorld } from '../../test/queue-world.ts'
import { cancel, cancelMany } from './cancel.ts'
import { deleteEnded } from './prune.ts'

test('a job waits until all its dependencies have ended well', async () => {
  const world = await queueWorld()
  const [a, b] = await world.submit({}, {})
  const [after] = await world.submit({ depends_on: [a!, b!] })
  const runner = await world.runner()
  const jobs = await runner.claim()
  expect(jobs).toHaveLength(2)
  expect((await runner.finish(jobs[0]!)).changed).toEqual([a])
  expect(await world.state(after!)).toBe('blocked')
  expect((await runner.finish(jobs[1]!)).changed).toEqual([b, after])
  expect(await world.state(after!)).toBe('queued')
  expect((await runner.claimOne()).publicId).toBe(after)
})

test('both dependencies in one batch count twice', async () => {
  const world = await queueWorld()
  const ids = await world.submit({}, {}, {})
  const [after] = await world.submit({ depends_on: ids })
  const runner = await world.runner()
  const jobs = await runner.claim()
  await runner.finishAll(jobs.slice(0, 2))
  expect(await world.state(after!)).toBe('blocked')
  await runner.finishAll(jobs.slice(2))
  expect(await world.state(after!)).toBe('queued')
})

test('a retry is not an end', async () => {
  const world = await queueWorld()
  const [a] = await world.submit({ max_attempts: 2 })
  const [after] = await world.submit({ depends_on: [a!] })
  const runner = await world.runner()
  await runner.finish(await runner.claimOne(), bad)
  expect(await world.state(after!)).toBe('blocked')
})

test('a failure skips what depends on it, all the way down; `run` runs all the same', async () => {
  const world = await queueWorld()
  const root = aJob()
  const skipped = aJob({ depends_on: [root.publicId] })
  const deeper = aJob({ depends_on: [skipped.publicId] })
  const runs = aJob({ depends_on: [deeper.publicId], on_dependency_failure: 'run' })
  const afterRuns = aJob({ depends_on: [runs.publicId] })
  const waits = aJob({ depends_on: [skipped.publicId, runs.publicId], on_dependency_failure: 'run' })
  await world.submit(root, skipped, deeper, runs, afterRuns, waits)
  const runner = await world.runner()
  const { changed } = await runner.finish(await runner.claimOne(), bad)
  expect(changed).toEqual([root, skipped, deeper, runs].map((job) => job.publicId))
  const state = async () =>
    Promise.all([root, skipped, deeper, runs, afterRuns, waits].map((job) => world.state(job.publicId)))
  expect(await state()).toEqual(['failed', 'skipped', 'skipped', 'queued', 'blocked', 'blocked'])
  expect((await world.row(deeper.publicId)).ended_at).not.toBeNull()
  expect((await world.row(skipped.publicId)).outcome).toMatchObject({
    message: `skipped: job ${root.publicId} ended as failed`,
  })
  expect((await world.row(runs.publicId)).outcome).toBeNull()
  await runner.finish(await runner.claimOne(), good)
  expect(await state()).toEqual(['failed', 'skipped', 'skipped', 'succeeded', 'queued', 'queued'])
})

test('a cancel skips dependents too', async () => {
  const world = await queueWorld()
  const [a] = await world.submit({})
  const [b] = await world.submit({ depends_on: [a!] })
  const [c] = await world.submit({ depends_on: [b!] })
  await cancel(world.db, { publicId: a! })
  expect([await world.state(b!), await world.state(c!)]).toEqual(['skipped', 'skipped'])
})

test('a chain that is cancelled together is cancelled, not skipped', async () => {
  const world = await queueWorld()
  const [a] = await world.submit({})
  const [b] = await world.submit({ depends_on: [a!] })
  const [c] = await world.submit({ depends_on: [b!] })
  await cancelMany(world.db, { ids: [b!, a!] })
  expect([await world.state(a!), await world.state(b!), await world.state(c!)]).toEqual([
    'cancelled',
    'cancelled',
    'skipped',
  ])
})

test('a freed job keeps its delay', async () => {
  const world = await queueWorld()
  const [a] = await world.submit({})
  const [b] = await world.submit({ depends_on: [a!], delay_seconds: 60 })
  const runner = await world.runner()
  await runner.finish(await runner.claimOne())
  expect(await world.row(b!)).toMatchObject({ state: 'scheduled', scheduled_for: 'delay' })
})

test('many dependencies that end at once on two servers free the job once', async () => {
  const world = await queueWorld()
  const ids = await world.submit(...Array.from({ length: 40 }, () => ({})))
  const [after] = await world.submit({ depends_on: ids })
  const runner = await world.runner({ slots: 40 })
  const jobs = await runner.claim()
  await Promise.all(jobs.map((job) => runner.finish(job)))
  expect(await world.row(after!)).toMatchObject({ state: 'queued', blockers_left: 0 })
})

test('cascades that meet do not deadlock', async () => {
  const world = await queueWorld()
  const roots = Array.from({ length: 8 }, () => aJob())
  const middle = roots.map((_, i) =>
    aJob({ depends_on: [roots[i]!.publicId, roots[(i + 3) % 8]!.publicId, roots[(i + 5) % 8]!.publicId] }),
  )
  const last = middle.map((_, i) => aJob({ depends_on: [middle[7 - i]!.publicId, middle[(i * 3) % 8]!.publicId] }))
  await world.submit(...roots, ...middle, ...last)
  const runner = await world.runner({ slots: 8 })
  const jobs = await runner.claim()
  await Promise.all(jobs.map((job) => runner.finish(job, bad)))
  expect(await world.states()).toEqual({ failed: 8, skipped: 16 })
})

test('a chain of 2,000 is skipped in one go', async () => {
  const world = await queueWorld()
  const chain = [aJob()]
  while (chain.length < 2000) chain.push(aJob({ depends_on: [chain.at(-1)!.publicId] }))
  await world.submit(...chain)
  const runner = await world.runner()
  const { changed } = await runner.finish(await runner.claimOne(), bad)
  expect(changed).toHaveLength(2000)
  expect(await world.states()).toEqual({ failed: 1, skipped: 1999 })
})

test('deleting an ended dependency does not free anybody', async () => {
  const world = await queueWorld()
  const [a, b] = await world.submit({}, {})
  const [after] = await world.submit({ depends_on: [a!, b!] })
  const runner = await world.runner()
  await runner.finish((await runner.claim())[0]!)
  await deleteEnded(world.db, a!)
  expect(await world.row(after!)).toMatchObject({ state: 'blocked', blockers_left: 1 })
})
