/** A job's placement as a claim needs it: rules of labels in texts, the same for all jobs of a lane (decision 13). */
import type { StoredSpec } from '../job/spec.ts'
import { labelList } from '../job/labels.ts'
import type { Strategy } from '../job/placement.ts'

/** As it is stored in `lanes.placement`; empty for most. */
export interface PlacementRules {
  strategy?: Strategy
  /** Labels of runners that may not take it. */
  avoid?: string[]
  /** Only where a job of the same owner with these labels is held. */
  near?: string[]
  /** Its own labels are what `near` asks for: while no such job is held anywhere it is the first one, and runs anywhere. */
  near_or_first?: true
  prefer_near?: string[]
  /** Not where a job of the same owner with these labels is held. */
  apart?: string[]
  prefer_apart?: string[]
  /** Of messages, that go out a few of a channel at a time: where to. */
  channel?: string
}

export function placementRules({
  labels,
  placement,
  message,
}: Pick<StoredSpec, 'labels' | 'placement' | 'message'>): PlacementRules {
  if (message !== undefined) return { channel: message.channel }
  if (placement === undefined) return {}
  const { strategy, avoid_labels, affinity, anti_affinity } = placement
  const rules: PlacementRules = {}
  if (strategy) rules.strategy = strategy
  const avoid = labelList(avoid_labels)
  if (avoid.length > 0) rules.avoid = avoid
  if (affinity) {
    const near = labelList(affinity.labels)
    if (!affinity.required) rules.prefer_near = near
    else {
      rules.near = near
      if (carries(labelList(labels), near)) rules.near_or_first = true
    }
  }
  if (anti_affinity) rules[anti_affinity.required ? 'apart' : 'prefer_apart'] = labelList(anti_affinity.labels)
  return rules
}

const carries = (labels: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((label) => labels.includes(label))

/** Whether what runs elsewhere decides. */
export const looksAtJobs = ({ near, prefer_near, apart, prefer_apart }: PlacementRules): boolean =>
  (near ?? prefer_near ?? apart ?? prefer_apart) !== undefined

/** A held job that has labels. */
export interface Neighbour {
  runnerId: string
  ownerId: string
  labels: string[]
}

/** Where the jobs are that rules speak of; grows with what a round gives away. */
export class Neighbourhood {
  readonly #all: Neighbour[]
  readonly #asked = new Map<string, { ownerId: string; labels: string[]; runners: Set<string> }>()

  constructor(held: readonly Neighbour[]) {
    this.#all = [...held]
  }

  add(neighbour: Neighbour): void {
    this.#all.push(neighbour)
    for (const { ownerId, labels, runners } of this.#asked.values())
      if (ownerId === neighbour.ownerId && carries(neighbour.labels, labels)) runners.add(neighbour.runnerId)
  }

  /** The runners where a job of this owner with all these labels is held. */
  runnersWith(ownerId: string, labels: string[]): ReadonlySet<string> {
    const key = `${ownerId} ${labels.join(' ')}`
    let asked = this.#asked.get(key)
    if (!asked) {
      const found = this.#all.filter((job) => job.ownerId === ownerId && carries(job.labels, labels))
      asked = { ownerId, labels, runners: new Set(found.map((job) => job.runnerId)) }
      this.#asked.set(key, asked)
    }
    return asked.runners
  }
}

interface Ruled {
  ownerId: string
  placement: PlacementRules
}

export const isNear = (runnerId: string, { ownerId, placement }: Ruled, jobs: Neighbourhood): boolean => {
  if (!placement.near) return true
  const partners = jobs.runnersWith(ownerId, placement.near)
  return partners.has(runnerId) || (placement.near_or_first === true && partners.size === 0)
}

export const isApart = (runnerId: string, { ownerId, placement }: Ruled, jobs: Neighbourhood): boolean =>
  !placement.apart || !jobs.runnersWith(ownerId, placement.apart).has(runnerId)

/** How many of the wishes hold there. */
export function wishesMet(runnerId: string, { ownerId, placement }: Ruled, jobs: Neighbourhood): number {
  const { prefer_near, prefer_apart } = placement
  const near = prefer_near !== undefined && jobs.runnersWith(ownerId, prefer_near).has(runnerId)
  const apart = prefer_apart !== undefined && !jobs.runnersWith(ownerId, prefer_apart).has(runnerId)
  return Number(near) + Number(apart)
}

/** The held jobs that rules may speak of; nothing of it is read unless a rule asks. */
export const heldNeighbours = `
  select distinct a.runner_id, j.owner_id, j.labels from attempts a join jobs j on j.id = a.job_id
  where a.ended_at is null and j.labels is not null`

/**
 * The rules of lane `l` as claims ask them in SQL, so that lanes that wait for one are not looked into. Asked once for a
 * lane (`offset 0` keeps the planner from asking anew for each runner), and only if something waits in it: 200 lanes with
 * rules, ten runners and 1,000 jobs on them would be two million comparisons of labels.
 */
export const ruleOfLane = `
  select l.placement = '{}' as free, case when l.placement ? 'avoid' then ${texts('avoid')} end as avoid,
    ${runnersWith('near')} as near_at, l.placement ? 'near_or_first' as or_first, ${runnersWith('apart')} as apart_at
  offset 0`

/** The same as `avoid`, `isNear` and `isApart`. */
export const ruleAllows = (rule: string, runner: { id: string; labels: string }): string => `(${rule}.free or (
    (${rule}.avoid is null or not ${runner.labels} && ${rule}.avoid)
    and (${rule}.near_at is null or ${runner.id} = any(${rule}.near_at)
      or ${rule}.or_first and cardinality(${rule}.near_at) = 0)
    and (${rule}.apart_at is null or ${runner.id} <> all(${rule}.apart_at))))`

function texts(rule: string): string {
  return `array(select jsonb_array_elements_text(l.placement->'${rule}'))`
}

/** The hash over `neighbour_labels` answers for the many lanes whose partner is nowhere; only the others read them all. */
function runnersWith(rule: string): string {
  return `case when l.placement ? '${rule}' and exists (select from jobs where lane_id = l.id and state = 'queued') then
    case when (l.owner_id, l.placement->'${rule}'->>0) in (select owner_id, label from neighbour_labels) then
      array(select n.runner_id from neighbours n where n.owner_id = l.owner_id and n.labels @> ${texts(rule)})
    else '{}' end end`
}
