import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jobs, lane, runner } from '../../test/plan.ts'
import { messagesAtOncePerChannel } from '../job/message.ts'
import type { Neighbour, PlacementRules } from './placement.ts'
import { mayTake, planClaim } from './plan-claim.ts'

const both = ['sandbox', 'message']
const label: fc.Arbitrary<string> = fc.constantFrom('a=1', 'a=2', 'b=1', 'c=1')
const labels = fc.uniqueArray(label, { maxLength: 3 })
const some = fc.uniqueArray(label, { minLength: 1, maxLength: 2 })
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const placement = fc.record({
  strategy: maybe(fc.constantFrom('spread' as const, 'pack' as const)),
  avoid: maybe(some),
  near: maybe(some),
  near_or_first: maybe(fc.constant(true as const)),
  prefer_near: maybe(some),
  apart: maybe(some),
  prefer_apart: maybe(some),
}) as fc.Arbitrary<PlacementRules>
const owner = fc.constantFrom('u', 'v')
const channel = fc.constantFrom('team', 'hook')
const turn = fc.record({ ownerHeld: fc.nat(3), lastStart: fc.nat(2) })
const world = fc.record({
  lanes: fc.array(
    fc.record({
      placement,
      /** Of a lane of messages. */
      channel: maybe(channel),
      ownerId: owner,
      queueId: fc.constantFrom('p', 'q'),
      cpuMillis: fc.integer({ min: 0, max: 2000 }),
      memoryMib: fc.integer({ min: 0, max: 2000 }),
      requiredLabels: fc.uniqueArray(label, { maxLength: 1 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  room: fc.record({ p: fc.nat(12), q: fc.nat(12), u: fc.nat(12), v: fc.nat(12) }),
  before: fc.record({ pu: turn, pv: turn, qu: turn, qv: turn }),
  waiting: fc.array(fc.record({ lane: fc.nat(4), labels }), { maxLength: 25 }),
  runners: fc.array(
    fc.record({
      labels,
      slots: fc.integer({ min: 0, max: 6 }),
      messages: fc.nat(6),
      channels: fc.array(channel, { maxLength: 3 }),
      cpuMillis: fc.integer({ min: 0, max: 4000 }),
      memoryMib: fc.integer({ min: 0, max: 4000 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  neighbours: fc.array(fc.record({ runnerId: fc.constantFrom('r0', 'r1', 'r2', 'r9'), ownerId: owner, labels }), {
    maxLength: 6,
  }),
  strategy: fc.constantFrom('spread' as const, 'pack' as const),
})

test('no plan breaks a rule or a cap, and none leaves a job that had a place', () => {
  fc.assert(
    fc.property(world, ({ lanes: given, room, before, waiting, runners: described, neighbours, strategy }) => {
      const lanes = given.map((one, i) => {
        const [queueId, ownerId] = [one.queueId as 'p' | 'q', one.ownerId as 'u' | 'v']
        const turns = before[`${queueId}${ownerId}`]
        const kind = one.channel
          ? { executor: 'message', placement: { channel: one.channel }, cpuMillis: 0, memoryMib: 0 }
          : {}
        return lane({
          ...one,
          ...kind,
          ...turns,
          laneId: String(i),
          queueRoom: room[queueId],
          ownerRoom: room[ownerId],
        })
      })
      const runners = described.map((one, i) => runner({ ...one, runnerId: `r${i}`, executors: both }))
      const candidates = waiting.map((one, i) => ({
        jobKey: String(i),
        laneId: String(one.lane % lanes.length),
        labels: one.labels,
      }))
      const plan = planClaim(lanes, candidates, runners, { strategy, neighbours })
      const places = new Map(plan.map((p) => [p.jobKey, p.runnerId]))
      expect(places.size).toBe(plan.length)

      // Played again job by job, in plain words.
      const around: Neighbour[] = [...neighbours]
      const use: Record<string, number> = { p: 0, q: 0, u: 0, v: 0 }
      const free = new Map(runners.map((one) => [one.runnerId, { ...one, channels: [...one.channels] }]))
      const carry = (ownerId: string, wanted: string[]) =>
        around.filter((n) => n.ownerId === ownerId && wanted.every((w) => n.labels.includes(w))).map((n) => n.runnerId)
      const turns = structuredClone(before)
      const turnOf = (of: { laneId: string }) => {
        const { queueId, ownerId } = lanes[Number(of.laneId)]!
        return turns[`${queueId as 'p' | 'q'}${ownerId as 'u' | 'v'}`]
      }
      const order: string[] = []
      const left = [...candidates]
      while (left.length > 0) {
        const { queueId } = lanes[Number(left[0]!.laneId)]!
        const [candidate] = left
          .filter((one) => lanes[Number(one.laneId)]!.queueId === queueId)
          .sort((a, b) => turnOf(a).ownerHeld - turnOf(b).ownerHeld || turnOf(a).lastStart - turnOf(b).lastStart) as [
          (typeof left)[0],
        ]
        left.splice(left.indexOf(candidate), 1)
        const its = lanes[Number(candidate.laneId)]!
        const { near, near_or_first: first, apart, channel: to } = its.placement
        const possible = [...free.values()].filter(
          (one) =>
            mayTake(one, its) &&
            use[its.queueId]! < its.queueRoom &&
            (to === undefined
              ? one.slots >= 1 &&
                one.cpuMillis >= its.cpuMillis &&
                one.memoryMib >= its.memoryMib &&
                use[its.ownerId]! < its.ownerRoom
              : one.messages >= 1 && one.channels.filter((c) => c === to).length < messagesAtOncePerChannel) &&
            !(apart && carry(its.ownerId, apart).includes(one.runnerId)) &&
            (!near ||
              carry(its.ownerId, near).includes(one.runnerId) ||
              (first === true && carry(its.ownerId, near).length === 0)),
        )
        const place = places.get(candidate.jobKey)
        if (place === undefined) {
          expect(possible).toEqual([])
          continue
        }
        expect(possible.map((one) => one.runnerId)).toContain(place)
        const taken = free.get(place)!
        use[its.queueId]! += 1
        if (to === undefined) {
          taken.slots -= 1
          taken.cpuMillis -= its.cpuMillis
          taken.memoryMib -= its.memoryMib
          use[its.ownerId]! += 1
        } else {
          taken.messages -= 1
          taken.channels.push(to)
        }
        around.push({ runnerId: place, ownerId: its.ownerId, labels: candidate.labels })
        order.push(candidate.jobKey)
        turnOf(candidate).ownerHeld += 1
        turnOf(candidate).lastStart = 9
      }
      expect(plan.map((p) => p.jobKey)).toEqual(order)
    }),
    { numRuns: 2000 },
  )
})

const alike = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  slots: fc.integer({ min: 1, max: 8 }),
  waiting: fc.nat(60),
})
const placed = (
  strategy: 'spread' | 'pack',
  { count, slots, waiting }: { count: number; slots: number; waiting: number },
) => {
  const runners = Array.from({ length: count }, (_, i) => runner({ runnerId: `r${i}`, slots }))
  const plan = planClaim([lane()], jobs(...Array.from({ length: waiting }, (_, i) => `a${i}`)), runners, { strategy })
  expect(plan).toHaveLength(Math.min(waiting, count * slots))
  return runners.map(({ runnerId }) => plan.filter((p) => p.runnerId === runnerId).length)
}

test('spread leaves equal runners with equal loads; pack leaves at most one half full', () => {
  fc.assert(
    fc.property(alike, (input) => {
      const loads = placed('spread', input)
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      const packed = placed('pack', input)
      expect(packed.filter((load) => load > 0 && load < input.slots).length).toBeLessThanOrEqual(1)
    }),
  )
})
