import { expect, test } from 'vitest'
import { jobs, lane, runner } from '../../test/plan.ts'
import { planClaim, type PlanLane, type PlanRunner } from './plan-claim.ts'

const b = { laneId: 'b' }
const message = { executor: 'message', queueId: 'm', placement: { channel: 'team' } }
const sender = { executors: ['sandbox', 'message'] }

interface Case {
  name: string
  lanes: PlanLane[]
  wait: string[]
  runners: PlanRunner[]
  plan: string[]
}
const cases: Case[] = [
  { name: 'one job, one runner', lanes: [lane()], wait: ['a1'], runners: [runner()], plan: ['a1>r1'] },
  {
    name: 'slots',
    lanes: [lane()],
    wait: ['a1', 'a2', 'a3'],
    runners: [runner({ slots: 2 })],
    plan: ['a1>r1', 'a2>r1'],
  },
  { name: 'no slots', lanes: [lane()], wait: ['a1'], runners: [runner({ slots: 0 })], plan: [] },
  {
    name: 'the runner with more room first, then in turn',
    lanes: [lane()],
    wait: ['a1', 'a2', 'a3', 'a4'],
    runners: [runner({ slots: 2 }), runner({ runnerId: 'r2', slots: 3 })],
    plan: ['a1>r2', 'a2>r1', 'a3>r2', 'a4>r1'],
  },
  { name: 'queue room', lanes: [lane({ queueRoom: 1 })], wait: ['a1', 'a2'], runners: [runner()], plan: ['a1>r1'] },
  {
    name: 'queue room is shared by its lanes, other queues go on',
    lanes: [lane({ queueRoom: 1 }), lane({ ...b, queueRoom: 1 }), lane({ laneId: 'c', queueId: 'q2' })],
    wait: ['a1', 'b1', 'c1'],
    runners: [runner()],
    plan: ['a1>r1', 'c1>r1'],
  },
  {
    name: 'owner room is shared by the lanes of the owner',
    lanes: [lane({ ownerRoom: 2 }), lane({ ...b, queueId: 'q2', ownerRoom: 2 }), lane({ laneId: 'c', ownerId: 'u2' })],
    wait: ['a1', 'b1', 'b2', 'c1'],
    runners: [runner()],
    plan: ['a1>r1', 'b1>r1', 'c1>r1'],
  },
  {
    name: 'labels',
    lanes: [lane({ requiredLabels: ['gpu=yes'] }), lane(b)],
    wait: ['a1', 'b1'],
    runners: [runner(), runner({ runnerId: 'r2', labels: ['gpu=yes', 'zone=x'], slots: 1 })],
    plan: ['a1>r2', 'b1>r1'],
  },
  {
    name: 'every label',
    lanes: [lane({ requiredLabels: ['gpu=yes', 'zone=y'] })],
    wait: ['a1'],
    runners: [runner({ labels: ['gpu=yes', 'zone=x'] })],
    plan: [],
  },
  { name: 'executor', lanes: [lane({ executor: 'ssh' })], wait: ['a1'], runners: [runner()], plan: [] },
  {
    name: 'CPU adds up',
    lanes: [lane({ cpuMillis: 1500 })],
    wait: ['a1', 'a2', 'a3'],
    runners: [runner()],
    plan: ['a1>r1', 'a2>r1'],
  },
  {
    name: 'memory adds up, and a smaller job behind still fits',
    lanes: [lane({ memoryMib: 3000 }), lane({ ...b, memoryMib: 1000 })],
    wait: ['a1', 'a2', 'b1'],
    runners: [runner()],
    plan: ['a1>r1', 'b1>r1'],
  },
  {
    name: 'a big job that waited long empties its runner',
    lanes: [lane({ cpuMillis: 9000, reserve: 'r1' }), lane(b)],
    wait: ['b1', 'a1', 'b2'],
    runners: [runner()],
    plan: ['b1>r1'],
  },
  {
    name: 'and no other',
    lanes: [lane({ cpuMillis: 9000, reserve: 'r1' }), lane(b)],
    wait: ['a1', 'b1'],
    runners: [runner(), runner({ runnerId: 'r2', slots: 1 })],
    plan: ['b1>r2'],
  },
  {
    name: 'messages take no slot and nothing of their owner, and no job takes their room',
    lanes: [lane({ ...message, ownerRoom: 1 }), lane({ ...b, ownerRoom: 1 })],
    wait: ['a1', 'a2', 'b1', 'b2'],
    runners: [runner({ ...sender, slots: 1 })],
    plan: ['a1>r1', 'a2>r1', 'b1>r1'],
  },
  {
    name: 'messages go where no slot and no memory is left, jobs do not',
    lanes: [lane(message), lane(b)],
    wait: ['a1', 'b1'],
    runners: [runner({ ...sender, slots: 0, cpuMillis: -1, memoryMib: -1 })],
    plan: ['a1>r1'],
  },
  {
    name: 'two of a channel at a time, what is on its way counted; other channels go on',
    lanes: [lane(message), lane({ ...message, ...b, placement: { channel: 'mail' } })],
    wait: ['a1', 'a2', 'b1', 'b2', 'b3'],
    runners: [runner({ ...sender, channels: ['team'] })],
    plan: ['a1>r1', 'b1>r1', 'b2>r1'],
  },
  {
    name: 'no room for messages',
    lanes: [lane(message), lane(b)],
    wait: ['a1', 'b1'],
    runners: [runner({ ...sender, messages: 0 })],
    plan: ['b1>r1'],
  },
  {
    name: 'a runner that is being emptied for a big job sends on',
    lanes: [lane({ cpuMillis: 9000, reserve: 'r1' }), lane({ ...message, ...b }), lane({ laneId: 'c' })],
    wait: ['a1', 'b1', 'c1'],
    runners: [runner(sender)],
    plan: ['b1>r1'],
  },
  { name: 'a candidate of no lane', lanes: [], wait: ['a1'], runners: [runner()], plan: [] },
]

test.each(cases)('$name', ({ lanes, wait, runners, plan }) => {
  const given = structuredClone(runners)
  expect(planClaim(lanes, jobs(...wait), runners).map((p) => `${p.jobKey}>${p.runnerId}`)).toEqual(plan)
  expect(runners).toEqual(given)
})
