import { expect, test } from 'vitest'
import { actInSteps, type Acted } from './act-in-steps.ts'

const done = (n: number) => Array.from({ length: n }, () => ({}))
const no = { job_id: 'b', reason: 'archived' }

test('all: as long as more are left, and what is refused again and again is told once', async () => {
  const answers = [
    { done: done(200), refused: [no], more: true },
    { done: done(200), refused: [no], more: true },
    { done: done(7), refused: [no], more: false },
  ]
  const asked: unknown[] = []
  const told: Acted[] = []
  const call = async (what: object) => (asked.push(what), answers[asked.length - 1]!)
  const acted = await actInSteps({ all: { event: 'import' } }, call, (soFar) => told.push(soFar))
  expect(acted).toEqual({ done: 407, refused: [no] })
  expect(asked).toEqual([1, 2, 3].map(() => ({ all: { event: 'import' } })))
  expect(told.map((soFar) => soFar.done)).toEqual([200, 400, 407])
})

test('named ones go a hundred at a time, each once, and none after one was told to stop', async () => {
  const jobs = Array.from({ length: 250 }, (_, i) => String(i))
  const sizes: number[] = []
  const call = async (what: { jobs: string[] } | { all: object }) => {
    sizes.push('jobs' in what ? what.jobs.length : -1)
    return { done: done(sizes.at(-1)!), refused: [], more: false }
  }
  expect(await actInSteps({ jobs }, call, () => undefined)).toEqual({ done: 250, refused: [] })
  expect(sizes).toEqual([100, 100, 50])
  sizes.length = 0
  expect(
    await actInSteps(
      { jobs },
      call,
      () => undefined,
      () => sizes.length === 1,
    ),
  ).toEqual({ done: 100, refused: [] })
})
