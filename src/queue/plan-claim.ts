/**
 * Who gets which job: pure, so that every cap has a row in a table of cases. Candidates come in the order of their rank;
 * each goes to the runner with the most room, unless a cap, its labels or its size say no.
 */
export interface PlanLane {
  laneId: string
  queueId: string
  ownerId: string
  executor: string
  requiredLabels: string[]
  cpuMillis: number
  memoryMib: number
  /** Starts that the queue's concurrency and rate still allow; the same number on all lanes of the queue. */
  queueRoom: number
  /** Jobs that the owner may still have running; the same number on all lanes of the owner. */
  ownerRoom: number
  /**
   * Set when the first job of the lane has waited long and fits nobody now: the runner that must take nothing of lower
   * rank until it fits there. Otherwise small jobs could keep a big one waiting for ever.
   */
  reserve: string | null
}

export interface Candidate {
  jobKey: string
  laneId: string
}

export interface PlanRunner {
  runnerId: string
  labels: string[]
  executors: string[]
  /** What is free, in slots and in what jobs reserve. */
  slots: number
  cpuMillis: number
  memoryMib: number
}

export interface Assigned {
  jobKey: string
  runnerId: string
}

export const mayTake = (
  runner: { labels: readonly string[]; executors: readonly string[] },
  lane: { executor: string; requiredLabels: readonly string[] },
): boolean =>
  runner.executors.includes(lane.executor) && lane.requiredLabels.every((label) => runner.labels.includes(label))

const fits = (runner: PlanRunner, lane: PlanLane): boolean =>
  runner.slots > 0 && runner.cpuMillis >= lane.cpuMillis && runner.memoryMib >= lane.memoryMib

const moreRoom = (a: PlanRunner, b: PlanRunner): PlanRunner =>
  b.slots > a.slots || (b.slots === a.slots && b.cpuMillis > a.cpuMillis) ? b : a

export function planClaim(lanes: PlanLane[], candidates: Candidate[], runners: PlanRunner[]): Assigned[] {
  const laneOf = new Map(lanes.map((lane) => [lane.laneId, lane]))
  const queueRoom = new Map(lanes.map((lane) => [lane.queueId, lane.queueRoom]))
  const ownerRoom = new Map(lanes.map((lane) => [lane.ownerId, lane.ownerRoom]))
  const free = runners.map((runner) => ({ ...runner }))
  const takersOf = new Map<string, PlanRunner[]>()
  const plan: Assigned[] = []

  for (const { jobKey, laneId } of candidates) {
    const lane = laneOf.get(laneId)
    if (!lane || queueRoom.get(lane.queueId)! < 1 || ownerRoom.get(lane.ownerId)! < 1) continue
    let takers = takersOf.get(laneId)
    if (!takers) takersOf.set(laneId, (takers = free.filter((runner) => mayTake(runner, lane))))

    const able = takers.filter((runner) => fits(runner, lane))
    if (able.length === 0) {
      const reserved = free.find((runner) => runner.runnerId === lane.reserve)
      if (reserved) reserved.slots = 0
      continue
    }
    const runner = able.reduce(moreRoom)
    runner.slots -= 1
    runner.cpuMillis -= lane.cpuMillis
    runner.memoryMib -= lane.memoryMib
    queueRoom.set(lane.queueId, queueRoom.get(lane.queueId)! - 1)
    ownerRoom.set(lane.ownerId, ownerRoom.get(lane.ownerId)! - 1)
    plan.push({ jobKey, runnerId: runner.runnerId })
  }
  return plan
}
