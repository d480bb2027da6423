/**
 * Who is next (decision 20). Between queues rank decides; in a queue, users take turns: first who has the fewest jobs held
 * there, of those who was given a start longest ago, then rank. Inside a user's own jobs rank alone decides.
 */
import type { Candidate, PlanLane } from './plan-claim.ts'

/** The jobs of one user in one queue. */
interface Line {
  queueId: string
  held: number
  lastStart: number
  /** Places in the list of candidates, which is in the order of rank. */
  places: number[]
  next: number
}

export interface Turn {
  candidate: Candidate
  lane: PlanLane
  /** It was given a place, or one is kept free for it: the next turn is somebody else's. */
  taken(): void
}

export function* turns(lanes: readonly PlanLane[], candidates: readonly Candidate[]): Generator<Turn, void> {
  const laneOf = new Map(lanes.map((lane) => [lane.laneId, lane]))
  const lines = linesOf(laneOf, candidates)
  // Lines are some hundreds at most, and one for most.
  for (let line = nextLine(lines); line; line = nextLine(lines)) {
    const candidate = candidates[line.places[line.next++]!]!
    const mine = line
    yield {
      candidate,
      lane: laneOf.get(candidate.laneId)!,
      taken() {
        mine.held += 1
        mine.lastStart = Infinity
      },
    }
    if (line.next === line.places.length) lines.delete(line)
  }
}

function linesOf(laneOf: Map<string, PlanLane>, candidates: readonly Candidate[]): Set<Line> {
  const lines = new Map<string, Line>()
  for (const [place, { laneId }] of candidates.entries()) {
    const lane = laneOf.get(laneId)
    if (!lane) continue
    const { queueId, ownerId, ownerHeld: held, lastStart } = lane
    const key = `${queueId} ${ownerId}`
    const line = lines.get(key)
    if (line) line.places.push(place)
    else lines.set(key, { queueId, held, lastStart, places: [place], next: 0 })
  }
  return new Set(lines.values())
}

const head = (line: Line): number => line.places[line.next]!

function nextLine(lines: Set<Line>): Line | undefined {
  let first: Line | undefined
  for (const line of lines) if (!first || head(line) < head(first)) first = line
  let found = first
  for (const line of lines) if (found && line.queueId === found.queueId && isBefore(line, found)) found = line
  return found
}

const isBefore = (one: Line, other: Line): boolean =>
  one.held !== other.held
    ? one.held < other.held
    : one.lastStart !== other.lastStart
      ? one.lastStart < other.lastStart
      : head(one) < head(other)
