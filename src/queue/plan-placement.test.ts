import { expect, test } from 'vitest'
import { jobs, lane, runner } from '../../test/plan.ts'
import type { Neighbour, PlacementRules } from './placement.ts'
import { planClaim, type Candidate, type PlanLane, type PlanOptions, type PlanRunner } from './plan-claim.ts'

const r = (nr: number, over: Partial<PlanRunner> = {}): PlanRunner => runner({ runnerId: `r${nr}`, ...over })
/** One that has so much left of ten slots. */
const left = (nr: number, slots: number): PlanRunner =>
  r(nr, { slots, whole: { slots: 10, cpuMillis: 4000, memoryMib: 4000 } })
const held = (runnerId: string, ...labels: string[]): Neighbour => ({ runnerId, ownerId: 'u', labels })
const rules = (placement: PlacementRules, over: Partial<PlanLane> = {}): PlanLane => lane({ placement, ...over })

interface Case {
  name: string
  lanes: PlanLane[]
  wait: Candidate[]
  runners: PlanRunner[]
  options?: PlanOptions
  plan: string[]
}
const own = (candidates: Candidate[], ...labels: string[]): Candidate[] => candidates.map((c) => ({ ...c, labels }))

const cases: Case[] = [
  {
    name: 'spread: evenly over equal runners',
    lanes: [lane()],
    wait: jobs('a1', 'a2', 'a3', 'a4', 'a5', 'a6'),
    runners: [r(1), r(2), r(3)],
    plan: ['a1>r1', 'a2>r2', 'a3>r3', 'a4>r1', 'a5>r2', 'a6>r3'],
  },
  {
    name: 'spread: by share and not by number: 3 of 10 left is less than 2 of 2',
    lanes: [lane()],
    wait: jobs('a1'),
    runners: [left(1, 3), r(2, { slots: 2 })],
    plan: ['a1>r2'],
  },
  {
    name: 'spread: what is scarcest decides, here memory',
    lanes: [lane({ memoryMib: 1000 })],
    wait: jobs('a1'),
    runners: [r(1, { memoryMib: 1500, whole: { slots: 10, cpuMillis: 4000, memoryMib: 4000 } }), left(2, 5)],
    plan: ['a1>r2'],
  },
  {
    name: 'spread: here CPU',
    lanes: [lane({ cpuMillis: 500 })],
    wait: jobs('a1'),
    runners: [r(1, { cpuMillis: 600, whole: { slots: 10, cpuMillis: 4000, memoryMib: 4000 } }), left(2, 2)],
    plan: ['a1>r2'],
  },
  {
    name: 'pack: one runner after the other',
    lanes: [rules({ strategy: 'pack' })],
    wait: jobs('a1', 'a2', 'a3', 'a4'),
    runners: [r(1, { slots: 3 }), r(2, { slots: 2 })],
    plan: ['a1>r2', 'a2>r2', 'a3>r1', 'a4>r1'],
  },
  {
    name: 'pack: where the least is left, and only if it fits',
    lanes: [rules({ strategy: 'pack' }, { cpuMillis: 2000 })],
    wait: jobs('a1'),
    runners: [r(1), left(2, 1), r(3, { slots: 1, cpuMillis: 1000 })],
    plan: ['a1>r2'],
  },
  {
    name: 'the installation packs; a job that says spread is spread',
    lanes: [lane(), rules({ strategy: 'spread' }, { laneId: 'b' })],
    wait: jobs('a1', 'b1'),
    runners: [left(1, 9), left(2, 4)],
    options: { strategy: 'pack' },
    plan: ['a1>r2', 'b1>r1'],
  },
  {
    name: 'a runner of no CPU at all takes what asks for none',
    lanes: [lane()],
    wait: jobs('a1'),
    runners: [r(1, { cpuMillis: 0 })],
    plan: ['a1>r1'],
  },
  {
    name: 'pack: left to a fuller runner that is away, as far as that has room',
    lanes: [rules({ strategy: 'pack' })],
    wait: jobs('a1', 'a2', 'a3').map((one) => ({ ...one, patient: true })),
    runners: [r(1), { ...left(2, 2), away: true }],
    plan: ['a3>r1'],
  },
  {
    name: 'one that has lost its patience takes what is there',
    lanes: [rules({ strategy: 'pack' }), lane({ laneId: 'b' })],
    wait: jobs('a1', 'b1'),
    runners: [r(1), { ...left(2, 2), away: true }],
    plan: ['a1>r1', 'b1>r1'],
  },
  {
    name: 'spread on purpose: left to an emptier runner, and its place in the queue with it',
    lanes: [rules({ strategy: 'spread' }, { queueRoom: 1 }), lane({ laneId: 'b', queueRoom: 1 })],
    wait: [{ ...jobs('a1')[0]!, patient: true }, ...jobs('b1')],
    runners: [left(1, 5), { ...r(2), away: true }],
    plan: [],
  },
  {
    name: 'a runner that is away and may not take it is no reason to wait',
    lanes: [rules({ strategy: 'spread', avoid: ['kind=spot'] })],
    wait: jobs('a1').map((one) => ({ ...one, patient: true })),
    runners: [left(1, 5), { ...r(2, { labels: ['kind=spot'] }), away: true }],
    plan: ['a1>r1'],
  },
  {
    name: 'avoid: none of the labels',
    lanes: [rules({ avoid: ['kind=spot', 'zone=b'] })],
    wait: jobs('a1', 'a2'),
    runners: [r(1, { labels: ['kind=spot'] }), r(2, { labels: ['zone=b'] }), r(3, { labels: ['zone=a'], slots: 1 })],
    plan: ['a1>r3'],
  },
  {
    name: 'affinity: only where the partner is, however full it is',
    lanes: [rules({ near: ['app=db'] })],
    wait: jobs('a1', 'a2'),
    runners: [r(1), left(2, 1)],
    options: { neighbours: [held('r2', 'app=db', 'tier=1')] },
    plan: ['a1>r2'],
  },
  {
    name: 'affinity: one job must carry all the labels',
    lanes: [rules({ near: ['app=db', 'tier=1'] })],
    wait: jobs('a1'),
    runners: [r(1)],
    options: { neighbours: [held('r1', 'app=db'), held('r1', 'tier=1')] },
    plan: [],
  },
  {
    name: 'affinity: a job of somebody else is none',
    lanes: [rules({ near: ['app=db'] })],
    wait: jobs('a1'),
    runners: [r(1)],
    options: { neighbours: [{ ...held('r1', 'app=db'), ownerId: 'other' }] },
    plan: [],
  },
  {
    name: 'affinity: the partner was placed in the same round',
    lanes: [lane(), rules({ near: ['app=db'] }, { laneId: 'b' })],
    wait: [...own(jobs('a1'), 'app=db'), ...jobs('b1')],
    runners: [r(1), r(2)],
    plan: ['a1>r1', 'b1>r1'],
  },
  {
    name: 'affinity to itself: the first anywhere, the others there',
    lanes: [rules({ near: ['job=x'], near_or_first: true })],
    wait: own(jobs('a1', 'a2', 'a3', 'a4'), 'job=x'),
    runners: [r(1, { slots: 2 }), r(2, { slots: 3 })],
    plan: ['a1>r2', 'a2>r2', 'a3>r2'],
  },
  {
    name: 'affinity to itself: the first one is on a runner that is not here',
    lanes: [rules({ near: ['job=x'], near_or_first: true })],
    wait: own(jobs('a1'), 'job=x'),
    runners: [r(1)],
    options: { neighbours: [held('r9', 'job=x')] },
    plan: [],
  },
  {
    name: 'a wish to be near: there while it has room, then elsewhere',
    lanes: [rules({ prefer_near: ['app=db'] })],
    wait: jobs('a1', 'a2'),
    runners: [r(1), left(2, 1)],
    options: { neighbours: [held('r2', 'app=db')] },
    plan: ['a1>r2', 'a2>r1'],
  },
  {
    name: 'anti-affinity: not beside it',
    lanes: [rules({ apart: ['app=db'] })],
    wait: jobs('a1', 'a2', 'a3'),
    runners: [r(1), left(2, 2)],
    options: { neighbours: [held('r1', 'app=db')] },
    plan: ['a1>r2', 'a2>r2'],
  },
  {
    name: 'anti-affinity to itself: one a runner, also within a round',
    lanes: [rules({ apart: ['job=x'] })],
    wait: own(jobs('a1', 'a2', 'a3'), 'job=x'),
    runners: [r(1), r(2)],
    plan: ['a1>r1', 'a2>r2'],
  },
  {
    name: 'anti-affinity holds for who asks for it: the other may come to it',
    lanes: [rules({ apart: ['app=noisy'] }), lane({ laneId: 'b' })],
    wait: [...jobs('a1'), ...own(jobs('b1'), 'app=noisy')],
    runners: [r(1)],
    plan: ['a1>r1', 'b1>r1'],
  },
  {
    name: 'a wish to be apart: elsewhere, and beside it rather than not at all',
    lanes: [rules({ prefer_apart: ['app=db'] })],
    wait: jobs('a1', 'a2'),
    runners: [r(1), left(2, 1)],
    options: { neighbours: [held('r1', 'app=db')] },
    plan: ['a1>r2', 'a2>r1'],
  },
  {
    name: 'near one and apart from the other',
    lanes: [rules({ near: ['app=db'], apart: ['app=noisy'] })],
    wait: jobs('a1'),
    runners: [r(1), r(2), r(3)],
    options: { neighbours: [held('r1', 'app=db'), held('r1', 'app=noisy'), held('r3', 'app=db')] },
    plan: ['a1>r3'],
  },
  {
    name: 'a runner that is being emptied for a big job takes no partner either',
    lanes: [lane({ cpuMillis: 9000, reserve: 'r1' }), rules({ near: ['app=db'] }, { laneId: 'b' })],
    wait: jobs('a1', 'b1'),
    runners: [r(1), r(2)],
    options: { neighbours: [held('r1', 'app=db')] },
    plan: [],
  },
]

test.each(cases)('$name', ({ lanes, wait, runners, options, plan }) => {
  const given = structuredClone({ runners, options })
  expect(planClaim(lanes, wait, runners, options).map((p) => `${p.jobKey}>${p.runnerId}`)).toEqual(plan)
  expect({ runners, options }).toEqual(given)
})
