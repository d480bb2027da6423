import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jobs, lane, runner } from '../../test/plan.ts'
import { planClaim, type PlanLane } from './plan-claim.ts'

const a = { laneId: 'a', ownerId: 'ann' }
const b = { laneId: 'b', ownerId: 'bob' }
const c = { laneId: 'c', ownerId: 'cy' }
const cases: { name: string; lanes: PlanLane[]; wait: string[]; slots: number; plan: string[] }[] = [
  {
    name: 'turn by turn',
    lanes: [lane(a), lane(b)],
    wait: ['a1', 'a2', 'a3', 'b1', 'b2'],
    slots: 4,
    plan: ['a1', 'b1', 'a2', 'b2'],
  },
  {
    name: 'what one has running counts',
    lanes: [lane({ ...a, ownerHeld: 2 }), lane(b)],
    wait: ['a1', 'b1', 'b2', 'b3'],
    slots: 3,
    plan: ['b1', 'b2', 'a1'],
  },
  {
    name: 'one slot: who was served longest ago',
    lanes: [lane({ ...a, lastStart: 7 }), lane({ ...b, lastStart: 3 })],
    wait: ['a1', 'b1'],
    slots: 1,
    plan: ['b1'],
  },
  {
    name: 'rank between those who were never served',
    lanes: [lane(a), lane(b), lane(c)],
    wait: ['c1', 'b1', 'a1'],
    slots: 2,
    plan: ['c1', 'b1'],
  },
  {
    name: 'inside a user rank alone, over lanes',
    lanes: [lane(a), lane({ ...b, ownerId: 'ann' })],
    wait: ['b1', 'a1', 'a2', 'b2'],
    slots: 4,
    plan: ['b1', 'a1', 'a2', 'b2'],
  },
  {
    name: 'queues by rank',
    lanes: [lane({ ...a, ownerHeld: 9 }), lane({ ...b, queueId: 'q2' })],
    wait: ['a1', 'b1', 'a2'],
    slots: 3,
    plan: ['a1', 'b1', 'a2'],
  },
  {
    name: 'a job that has no place costs no turn',
    lanes: [lane({ ...a, cpuMillis: 9000 }), lane({ ...c, ownerId: 'ann' }), lane(b)],
    wait: ['a1', 'a2', 'b1', 'c1', 'b2'],
    slots: 3,
    plan: ['b1', 'c1', 'b2'],
  },
]
test.each(cases)('$name', ({ lanes, wait, slots, plan }) => {
  expect(planClaim(lanes, jobs(...wait), [runner({ slots })]).map((p) => p.jobKey)).toEqual(plan)
})

test('a runner that is kept free is a turn: the next one may keep none before others had theirs', () => {
  const big = { ...a, cpuMillis: 9000 }
  const lanes = [lane({ ...big, reserve: 'r1' }), lane({ ...big, laneId: 'c', reserve: 'r2' }), lane(b)]
  const plan = planClaim(lanes, jobs('a1', 'c1', 'b1'), [runner(), runner({ runnerId: 'r2' })])
  expect(plan).toEqual([{ jobKey: 'b1', runnerId: 'r2' }])
})

interface User {
  ownerId: string
  waiting: number
  held: number
  lastStart: number
}

/** Rounds over users whose jobs are all alike; the ones who came first have all the older jobs. */
function round(users: User[], slots: number, clock: { now: number }): string[] {
  const lanes = users.map((user) =>
    lane({ laneId: user.ownerId, ownerId: user.ownerId, ownerHeld: user.held, lastStart: user.lastStart }),
  )
  const candidates = users.flatMap(({ ownerId, waiting }) =>
    Array.from({ length: waiting }, (_, i) => ({ jobKey: `${ownerId} ${i}`, laneId: ownerId })),
  )
  const free = slots - users.reduce((sum, user) => sum + user.held, 0)
  const given = planClaim(lanes, candidates, [runner({ slots: free })]).map((p) => p.jobKey.split(' ')[0]!)
  for (const ownerId of given) {
    const user = users.find((one) => one.ownerId === ownerId)!
    user.waiting -= 1
    user.held += 1
    user.lastStart = ++clock.now
  }
  return given
}
const newUsers = (backlogs: number[]): User[] =>
  backlogs.map((waiting, i) => ({ ownerId: `u${i}`, waiting, held: 0, lastStart: 0 }))

test('shares differ by one at most while all have something waiting, whatever ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.array(fc.nat(5), { maxLength: 12 }), { maxLength: 12 }),
      (count, slots, ends) => {
        const users = newUsers(Array.from({ length: count }, () => 300))
        const clock = { now: 0 }
        for (const ending of [[], ...ends]) {
          for (const of of ending) {
            const user = users[of % count]!
            user.held = Math.max(0, user.held - 1)
          }
          round(users, slots, clock)
          const shares = users.map((user) => user.held)
          expect(shares.reduce((sum, n) => sum + n)).toBe(slots)
          expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('the first job of a newcomer gets the next free slot, with one slot too', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 }), fc.nat(40), (slots, count, turns) => {
      const users = newUsers(Array.from({ length: count }, () => 200))
      const clock = { now: 0 }
      const endOne = (n: number) => {
        const busy = users.filter((user) => user.held > 0)
        busy[n % busy.length]!.held -= 1
      }
      round(users, slots, clock)
      for (let i = 0; i < turns; i++) {
        endOne(i)
        round(users, slots, clock)
      }
      users.push({ ownerId: 'new', waiting: 1, held: 0, lastStart: 0 })
      // Users with nothing running and no start yet are newcomers as well, and older ones.
      const before = users.filter((user) => user.lastStart === 0).length - 1
      const given: string[] = []
      for (let i = 0; i <= before; i++) {
        endOne(i)
        given.push(...round(users, slots, clock))
      }
      expect(given).toContain('new')
    }),
  )
})

test('nothing starves: with one slot and k users, nobody waits for more than k - 1 others between two starts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }), (backlogs) => {
      const users = newUsers(backlogs)
      const clock = { now: 0 }
      const order: string[] = []
      for (;;) {
        const [ownerId] = round(users, 1, clock)
        if (ownerId === undefined) break
        order.push(ownerId)
        users.find((user) => user.ownerId === ownerId)!.held = 0
      }
      expect(order).toHaveLength(backlogs.reduce((sum, n) => sum + n))
      for (const { ownerId } of users) {
        const starts = order.flatMap((one, i) => (one === ownerId ? [i] : []))
        const gaps = starts.map((at, i) => at - (starts[i - 1] ?? -1))
        expect(Math.max(...gaps)).toBeLessThanOrEqual(backlogs.length)
      }
    }),
  )
})
