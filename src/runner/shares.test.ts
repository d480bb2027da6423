import { expect, test } from 'vitest'
import { createFakeExecutor } from '../executors/fake.ts'
import { StartRefused } from '../executors/executor.ts'
import type { Look } from '../executors/shares/look.ts'
import { eventually } from './eventually.ts'
import { createShares } from './shares.ts'
import { createRig } from './test-rig.ts'

const well: Look = { entries: [{ real: '/mnt/a', uid: 0, gid: 0, directory: true }] }

test('a job whose share has gone is handed back, and the server hears first that the share is not here', async () => {
  let look: Look = well
  const shares = await createShares({ dirs: { a: '/mnt/a', b: '/mnt/b' }, look: async () => look })
  expect(shares.labels()).toEqual({ 'input.a': 'yes', 'input.b': 'yes' })
  const rig = await createRig()
  try {
    const executor = createFakeExecutor(() => ({}))
    const { start } = executor
    executor.start = async (order) => {
      if (order.spec.inputs) throw new StartRefused('infrastructure', 'shared input a does not answer', 'a')
      return start(order)
    }
    rig.start(executor, { shares })
    await rig.plane.ended(rig.plane.submit({ command: ['x'] }))
    look = { stale: 'no answer within 2 s' }
    const attempt = rig.plane.submit({ command: ['x'], inputs: [{ share: 'a' }] })
    await eventually(() => attempt.handBackReason).toBe('shared input a does not answer')
    expect(rig.plane.described).toMatchObject([
      { labels: { 'input.b': 'yes' }, facilities: { inputs: { a: { ok: false, reason: 'no answer within 2 s' } } } },
    ])
    expect((rig.plane.described[0] as { labels: object }).labels).not.toHaveProperty(['input.a'])
    // Nothing of this slows other jobs down.
    expect(await rig.plane.ended(rig.plane.submit({ command: ['x'] }))).toMatchObject({ state: 'succeeded' })
  } finally {
    await rig.close()
  }
})

test('since when it is gone stays as it was, and it comes back', async () => {
  let look: Look = { entries: [null] }
  const shares = await createShares({ dirs: { a: '/mnt/a' }, look: async () => look })
  const first = shares.states().a
  expect(first).toMatchObject({ ok: false, reason: '/mnt/a is no directory' })
  look = { stale: 'stale file handle' }
  await shares.failed('a')
  expect(shares.states().a).toEqual({ ...first, reason: 'stale file handle' })
  look = well
  await shares.failed('a')
  expect(shares.states().a).toMatchObject({ ok: true, reason: null })
  expect(shares.labels()).toEqual({ 'input.a': 'yes' })
})
