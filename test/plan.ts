/** Short words for plans of a claim. */
import type { PlanLane, PlanRunner } from '../src/queue/plan-claim.ts'

export const lane = (over: Partial<PlanLane> = {}): PlanLane => ({
  laneId: 'a',
  queueId: 'q',
  ownerId: 'u',
  executor: 'sandbox',
  requiredLabels: [],
  cpuMillis: 0,
  memoryMib: 0,
  placement: {},
  queueRoom: 100,
  ownerRoom: 100,
  ownerHeld: 0,
  lastStart: 0,
  reserve: null,
  ...over,
})
export const runner = (over: Partial<PlanRunner> = {}): PlanRunner => {
  const one = {
    runnerId: 'r1',
    labels: [],
    executors: ['sandbox'],
    slots: 10,
    cpuMillis: 4000,
    memoryMib: 4000,
    messages: 8,
    channels: [],
    ...over,
  }
  const { slots, cpuMillis, memoryMib } = one
  return { whole: { slots, cpuMillis, memoryMib }, ...one }
}
/** `a1` is the first candidate of lane a. */
export const jobs = (...keys: string[]) => keys.map((jobKey) => ({ jobKey, laneId: jobKey[0]! }))
