/** Why a job waits, in a code and a sentence: pure, one case per reason. */
import { shareOfLabel } from '../job/inputs.ts'
import { labelList } from '../job/labels.ts'
import { projectLabel } from '../job/project.ts'
import type { WaitingCode } from '../job/waiting-code.ts'
import { messagesAtOnce, messagesAtOncePerChannel } from '../job/message.ts'
import { isMessage, mayTake } from './plan-claim.ts'
import { isApart, isNear, Neighbourhood, type Neighbour, type PlacementRules } from './placement.ts'

export interface WaitingReason {
  code: WaitingCode
  text: string
}

export interface WaitingJob {
  state: string
  /** That has taken it. */
  runner: string | null
  /** Public ids of the dependencies that have not ended; the first few. */
  openDependencies: string[]
  blockersLeft: number
  notBefore: Date | null
  scheduledFor: string | null
  attemptsSpent: number
  maxAttempts: number
  queue: string
  queuePaused: boolean
  queueConcurrency: number | null
  queueHeld: number
  /** Null without a rate limit. */
  queueTokens: number | null
  owner: string
  ownerId: string
  ownerMaxRunning: number
  ownerHeld: number
  executor: string
  requiredLabels: string[]
  /** The project directory it works in, of a pipeline's task. */
  project: string | null
  cpuMillis: number
  memoryMib: number
  placement: PlacementRules
}

/** A held job that has labels, with its runner's name. */
export type NamedNeighbour = Neighbour & { runner: string }

export interface RunnerRoom {
  runnerId: string
  name?: string
  /** Of its shared inputs, when it has any: how they are. */
  inputs?: Record<string, { ok: boolean; since: string; reason: string | null }> | null
  labels: string[]
  executors: string[]
  slots: number
  cpuMillis: number
  memoryMib: number
  slotsLeft: number
  cpuLeft: number
  memoryLeft: number
  /** Of the messages that it sends just now. */
  channels: (string | null)[]
  /** Of a runner that takes less while its host is busy. */
  load?: { holding_back: number; why: string | null; memory_mib: number | null } | null
}

/** `online` runners only. The order is the order in which a claim would say no. */
export function explainWaiting(
  job: WaitingJob,
  online: RunnerRoom[],
  neighbours: NamedNeighbour[] = [],
): WaitingReason {
  if (job.state === 'leased') return { code: 'starting', text: `runner ${job.runner ?? ''} is starting it` }
  if (job.state === 'blocked') return { code: 'dependency', text: dependencyText(job) }
  if (job.state === 'scheduled') {
    const until = job.notBefore?.toISOString() ?? 'soon'
    return job.scheduledFor === 'backoff'
      ? {
          code: 'backoff',
          text: `attempt ${job.attemptsSpent} of ${job.maxAttempts} failed; the next begins after ${until}`,
        }
      : { code: 'delay', text: `not before ${until}` }
  }
  if (job.queuePaused) return { code: 'queue_paused', text: `queue ${job.queue} is paused` }
  if (job.queueConcurrency !== null && job.queueHeld >= job.queueConcurrency) {
    return { code: 'queue_limit', text: `queue ${job.queue} runs ${jobs(job.queueHeld)}, its limit` }
  }
  if (job.queueTokens !== null && job.queueTokens < 1) {
    return { code: 'rate_limit', text: `queue ${job.queue} has used up its rate of starts for the moment` }
  }
  if (!isMessage(job) && job.ownerMaxRunning === 0) {
    return { code: 'user_cap', text: `${job.owner} may run no jobs: an administrator has set max_running to 0` }
  }
  if (!isMessage(job) && job.ownerHeld >= job.ownerMaxRunning) {
    return { code: 'user_cap', text: `${job.owner} has ${jobs(job.ownerHeld)} running, the limit per user` }
  }
  return explainRunners(job, online, neighbours)
}

function explainRunners(job: WaitingJob, online: RunnerRoom[], neighbours: NamedNeighbour[]): WaitingReason {
  const matching = online.filter((runner) => mayTake(runner, job))
  const none = (text: string): WaitingReason => ({ code: 'no_matching_runner', text })
  if (online.length === 0) return none('no runner is online')
  const share = missingShare(job, online)
  if (matching.length === 0 && share !== null) return none(share)
  if (job.project !== null && !online.some(({ labels }) => labels.includes(markOf(job.project!))))
    return none(`no runner online has the project directory ${job.project} (start one with --pipelines ${job.project})`)
  if (matching.length === 0) return none(`no runner online has the executor ${job.executor}${labelsText(job)}`)
  if (isMessage(job)) return explainMessage(job, matching)
  const largeEnough = matching.filter(
    (r) => r.slots > 0 && r.cpuMillis >= job.cpuMillis && r.memoryMib >= job.memoryMib,
  )
  if (largeEnough.length === 0) return none(tooLarge(job))

  const around = new Neighbourhood(neighbours)
  const near = largeEnough.filter((runner) => isNear(runner.runnerId, job, around))
  if (near.length === 0) return { code: 'affinity', text: affinityText(job, neighbours) }
  const able = near.filter((runner) => isApart(runner.runnerId, job, around))
  if (able.length === 0) return { code: 'anti_affinity', text: antiAffinityText(job, near.length) }

  const who = able.length < largeEnough.length ? 'runner that its placement allows' : 'matching runner'
  const room = able.filter((r) => r.slotsLeft > 0 && r.cpuLeft >= job.cpuMillis && r.memoryLeft >= job.memoryMib)
  if (room.length === 0) return { code: 'no_capacity', text: busyText(job, able.length, matching.length, who) }
  if (room.every((runner) => holdsBack(runner, job))) return { code: 'no_capacity', text: heldBackText(room) }
  return { code: 'ready', text: 'next free slot' }
}

/** It has the room and does not give it; without a job it gives one of any size (`runner/capacity.ts`). */
const holdsBack = ({ load, slots, slotsLeft }: RunnerRoom, { memoryMib }: WaitingJob): boolean =>
  load != null &&
  slotsLeft < slots &&
  (slotsLeft <= load.holding_back || (memoryMib > 0 && memoryMib > (load.memory_mib ?? Infinity)))

function heldBackText(runners: RunnerRoom[]): string {
  const [first, ...others] = runners
  const why = first?.load?.why ?? `${first?.load?.memory_mib ?? 0} MiB of memory are left`
  const more =
    others.length === 0 ? '' : `, and so ${others.length === 1 ? 'does 1 other' : `do ${others.length} others`}`
  return `runner ${first?.name ?? ''} holds back, because its host is busy: ${why}${more}`
}

/** It takes no slot: only other messages can be in its way. */
function explainMessage({ placement: { channel } }: WaitingJob, matching: RunnerRoom[]): WaitingReason {
  const busy = (text: string): WaitingReason => ({ code: 'no_capacity', text })
  const room = matching.filter(({ channels }) => channels.length < messagesAtOnce)
  if (room.length === 0) return busy(`every matching runner sends ${messagesAtOnce} messages already`)
  const ofChannel = ({ channels }: RunnerRoom): number => channels.filter((one) => one === channel).length
  return room.some((runner) => ofChannel(runner) < messagesAtOncePerChannel)
    ? { code: 'ready', text: 'next free place for a message' }
    : busy(
        `${messagesAtOncePerChannel} messages to channel ${channel} are on their way from each runner, the most at a time`,
      )
}

/** A share that no runner can give now, in words; null when that is not what is missing. */
function missingShare({ requiredLabels }: WaitingJob, online: RunnerRoom[]): string | null {
  for (const label of requiredLabels) {
    const share = shareOfLabel(label)
    if (share === null || online.some((runner) => runner.labels.includes(label))) continue
    for (const { name, inputs } of online) {
      const state = inputs?.[share]
      if (!state || state.ok) continue
      const since = state.since.slice(11, 16)
      return `shared input ${share} does not answer on runner ${name ?? ''} since ${since} UTC: ${state.reason ?? ''} (stale mount?)`
    }
    return `no runner has the shared input ${share}`
  }
  return null
}

/** As runners carry it. */
const markOf = (project: string): string => labelList(projectLabel(project)).join()

function labelsText({ requiredLabels, project, placement: { avoid = [] } }: WaitingJob): string {
  // A mark that nobody has written says nothing to anybody.
  const mark = project === null ? null : markOf(project)
  const labels = requiredLabels.filter((label) => label !== mark)
  const required = [
    ...(labels.length > 0 ? [`with the labels ${labels.join(', ')}`] : []),
    ...(project === null ? [] : [`with the project directory ${project}`]),
  ]
  const avoided = avoid.length > 0 ? [`without ${avoid.join(', ')}`] : []
  const all = [...required, ...avoided].join(' and ')
  return all === '' ? '' : ` ${all}`
}

function affinityText({ owner, ownerId, placement: { near = [] } }: WaitingJob, neighbours: NamedNeighbour[]): string {
  const rule = `placement.affinity asks for a running job of ${owner} with ${near.join(', ')}`
  const partners = neighbours.filter((n) => n.ownerId === ownerId && near.every((label) => n.labels.includes(label)))
  const places = [...new Set(partners.map((n) => n.runner))].sort()
  if (places.length === 0) return `${rule}, and there is none`
  const more = places.length > 3 ? ` and ${places.length - 3} more` : ''
  return `${rule}, and its runner (${places.slice(0, 3).join(', ')}${more}) may not take this one`
}

const antiAffinityText = ({ owner, placement: { apart = [] } }: WaitingJob, runners: number): string =>
  `placement.anti_affinity keeps it away from jobs of ${owner} with ${apart.join(', ')}, and ` +
  (runners === 1 ? 'the only runner for it has one' : `each of the ${runners} runners for it has one`)

const jobs = (count: number): string => (count === 1 ? '1 job' : `${count} jobs`)

/** Empty when it asks for nothing by name and a slot is all it takes. */
const sizeText = (job: WaitingJob): string =>
  [
    ...(job.cpuMillis > 0 ? [`${job.cpuMillis / 1000} CPU`] : []),
    ...(job.memoryMib > 0 ? [`${job.memoryMib} MiB`] : []),
  ].join(' and ')

const tooLarge = (job: WaitingJob): string =>
  sizeText(job) === ''
    ? 'no matching runner has any slots'
    : `it asks for ${sizeText(job)}, more than any matching runner has in all`

function busyText(job: WaitingJob, busy: number, matching: number, who: string): string {
  const size = sizeText(job)
  return size === ''
    ? `every ${who} is busy (${busy} of ${matching})`
    : `every ${who} is too busy for ${size} (${busy} of ${matching})`
}

function dependencyText(job: WaitingJob): string {
  const more = job.blockersLeft - job.openDependencies.length
  return `waits for ${job.openDependencies.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
