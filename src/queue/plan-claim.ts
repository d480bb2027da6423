/**
 * Who gets which job: pure, so that every cap has a row in a table of cases. Candidates come in the order of their rank,
 * and are taken in turns between users (`plan-turns.ts`); each goes where its placement would have it, unless a cap, labels,
 * its size or what runs there say no.
 */
import { messagesAtOncePerChannel } from '../job/message.ts'
import type { Strategy } from '../job/placement.ts'
import { isApart, isNear, Neighbourhood, wishesMet, type Neighbour, type PlacementRules } from './placement.ts'
import { turns } from './plan-turns.ts'

export interface PlanLane {
  laneId: string
  queueId: string
  ownerId: string
  executor: string
  requiredLabels: string[]
  cpuMillis: number
  memoryMib: number
  placement: PlacementRules
  /** Starts that the queue's concurrency and rate still allow; the same number on all lanes of the queue. */
  queueRoom: number
  /** Jobs that the owner may still have running; the same number on all lanes of the owner. */
  ownerRoom: number
  /** Jobs of the owner that are held in this queue; the same number on all lanes of both. */
  ownerHeld: number
  /** Rises with the time of the last start of the owner in this queue; 0 when there was none. */
  lastStart: number
  /**
   * Set when the first job of the lane has waited long and fits nobody now: the runner that must take nothing of lower
   * rank until it fits there. Otherwise small jobs could keep a big one waiting for ever.
   */
  reserve: string | null
}

export interface Candidate {
  jobKey: string
  laneId: string
  /** Read only when a rule of the round may speak of them. */
  labels?: string[] | undefined
  /** It may be left to a runner that is away, where that is the better one. */
  patient?: boolean
}

export interface PlanRunner {
  runnerId: string
  labels: string[]
  executors: string[]
  /** What is free, in slots and in what jobs reserve. */
  slots: number
  cpuMillis: number
  memoryMib: number
  /** Room for messages, which take none of the above. */
  messages: number
  /** Of each message that it holds. */
  channels: (string | null)[]
  /** What it has when it is empty. */
  whole: { slots: number; cpuMillis: number; memoryMib: number }
  /** It has room and does not ask in this round: nothing is given to it, and some things are left to it. */
  away?: boolean
}

export interface Assigned {
  jobKey: string
  runnerId: string
}

export const mayTake = (
  runner: { labels: readonly string[]; executors: readonly string[] },
  lane: { executor: string; requiredLabels: readonly string[]; placement: PlacementRules },
): boolean =>
  runner.executors.includes(lane.executor) &&
  lane.requiredLabels.every((label) => runner.labels.includes(label)) &&
  !lane.placement.avoid?.some((label) => runner.labels.includes(label))

const fits = (runner: PlanRunner, lane: PlanLane): boolean =>
  isMessage(lane)
    ? runner.messages > 0 && countOf(runner, lane.placement.channel) < messagesAtOncePerChannel
    : runner.slots > 0 && runner.cpuMillis >= lane.cpuMillis && runner.memoryMib >= lane.memoryMib

export const isMessage = ({ executor }: { executor: string }): boolean => executor === 'message'

const countOf = ({ channels }: PlanRunner, channel: string | undefined): number =>
  channels.filter((one) => one === channel).length

/** What would be free of what is scarcest there, 0 to 1. */
function freeAfter({ slots, cpuMillis, memoryMib, whole }: PlanRunner, lane: PlanLane): number {
  const share = (left: number, of: number): number => (of > 0 ? left / of : 1)
  return Math.min(
    share(slots - 1, whole.slots),
    share(cpuMillis - lane.cpuMillis, whole.cpuMillis),
    share(memoryMib - lane.memoryMib, whole.memoryMib),
  )
}

/** Of equal ones the first. */
function best<T>(of: T[], score: (one: T) => number): T {
  let [found] = of as [T, ...T[]]
  let high = score(found)
  for (const one of of) {
    const s = score(one)
    if (s > high) [found, high] = [one, s]
  }
  return found
}

export interface PlanOptions {
  /** Of lanes that name none. */
  strategy?: Strategy
  /** Labels of the jobs that are held; may be left out when no lane looks at jobs. */
  neighbours?: Neighbour[]
}

export function planClaim(
  lanes: PlanLane[],
  candidates: Candidate[],
  runners: PlanRunner[],
  { strategy = 'spread', neighbours = [] }: PlanOptions = {},
): Assigned[] {
  const queueRoom = new Map(lanes.map((lane) => [lane.queueId, lane.queueRoom]))
  const ownerRoom = new Map(lanes.map((lane) => [lane.ownerId, lane.ownerRoom]))
  const free = runners.map((runner) => ({ ...runner, channels: [...runner.channels] }))
  const takersOf = new Map<string, PlanRunner[]>()
  const jobs = new Neighbourhood(neighbours)
  const plan: Assigned[] = []

  for (const { candidate, lane, taken } of turns(lanes, candidates)) {
    const { jobKey, labels, patient } = candidate
    if (queueRoom.get(lane.queueId)! < 1) continue
    // What tells of a user's jobs is not one of them.
    if (!isMessage(lane) && ownerRoom.get(lane.ownerId)! < 1) continue
    let takers = takersOf.get(lane.laneId)
    if (!takers) takersOf.set(lane.laneId, (takers = free.filter((runner) => mayTake(runner, lane))))

    const able = takers.filter(
      (runner) =>
        (!runner.away || patient) &&
        fits(runner, lane) &&
        isNear(runner.runnerId, lane, jobs) &&
        isApart(runner.runnerId, lane, jobs),
    )
    if (able.length === 0) {
      const reserved = free.find((runner) => runner.runnerId === lane.reserve)
      if (reserved && reserved.slots > 0) {
        reserved.slots = 0
        taken()
      }
      continue
    }
    taken()
    const runner = choose(able, lane, jobs, strategy)
    queueRoom.set(lane.queueId, queueRoom.get(lane.queueId)! - 1)
    if (isMessage(lane)) {
      runner.messages -= 1
      runner.channels.push(lane.placement.channel ?? null)
    } else {
      runner.slots -= 1
      runner.cpuMillis -= lane.cpuMillis
      runner.memoryMib -= lane.memoryMib
      ownerRoom.set(lane.ownerId, ownerRoom.get(lane.ownerId)! - 1)
    }
    if (labels) jobs.add({ runnerId: runner.runnerId, ownerId: lane.ownerId, labels })
    // What is left to another counts like what is given: it is this job's turn.
    if (!runner.away) plan.push({ jobKey, runnerId: runner.runnerId })
  }
  return plan
}

/** Wishes come before the strategy: one that holds is worth more than a runner that is emptier. */
function choose(able: PlanRunner[], lane: PlanLane, jobs: Neighbourhood, strategy: Strategy): PlanRunner {
  if (able.length === 1) return able[0]!
  if (isMessage(lane)) return best(able, (runner) => runner.messages)
  const met = new Map(able.map((runner) => [runner, wishesMet(runner.runnerId, lane, jobs)]))
  const most = Math.max(...met.values())
  const sign = (lane.placement.strategy ?? strategy) === 'pack' ? -1 : 1
  return best(
    able.filter((runner) => met.get(runner) === most),
    (runner) => sign * freeAfter(runner, lane),
  )
}
