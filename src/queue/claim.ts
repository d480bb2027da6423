/**
 * Gives waiting jobs to runners: lock, look, plan, take. One round at a time over all servers, so that caps counted from
 * held jobs are exact and cannot leak; a round costs a few milliseconds whatever is waiting (decision 1).
 */
import type { Db, Last, Queryable } from '../db/pool.ts'
import { withMemory } from '../job/memory-growth.ts'
import { messagesAtOnce } from '../job/message.ts'
import type { Strategy } from '../job/placement.ts'
import { lookAround } from './claim-around.ts'
import { lookAtOffers, lookAtWork, type OfferRow } from './claim-look.ts'
import { emitFact } from '../lib/facts.ts'
import { finish } from './finish.ts'
import { heartbeat } from './heartbeat.ts'
import { tellOf } from './notify.ts'
import { isMessage, planClaim, type Assigned, type PlanRunner } from './plan-claim.ts'
import { byKeyOnly, claimLock, fixedPlans, inTransaction, newLease, rateTokens, stateById } from './statements.ts'
import { attemptKey, type ClaimedJob, type RunnerOffer } from './types.ts'
import { undelivered, type Undelivered } from './undelivered.ts'

export interface ClaimOptions {
  leaseSeconds: number
  /** Of jobs that name none; `spread` when missing. */
  strategy?: Strategy | undefined
}

/** What each runner got; a runner that is not in the answer was replaced by a newer session and must register again. */
export async function claim(
  db: Db | Queryable,
  offers: RunnerOffer[],
  options: ClaimOptions,
): Promise<Map<string, ClaimedJob[]>> {
  const oneRound = (of: RunnerOffer[], first: boolean): Promise<Round | null> =>
    inTransaction(db, (tx, last) => claimRound(tx, last, of, { ...options, first }), fixedPlans)
  let round = await oneRound(offers, true)
  let again: Undelivered[] = []
  if (round === null) {
    again = await deliverAgain(db, offers, options)
    round = (await oneRound(without(offers, again), false))!
  }
  for (const one of round.taken) noteLeased(one)
  const given = new Map(round.known.map((runnerId) => [runnerId, [] as ClaimedJob[]]))
  for (const { runnerId, job } of [...again, ...round.taken]) given.get(runnerId)?.push(job)
  return given
}

/** What the offers have left after the leases that are delivered again. */
const without = (offers: RunnerOffer[], again: Undelivered[]): RunnerOffer[] =>
  offers.map((offer) => {
    const mine = again.filter((a) => a.runnerId === offer.runnerId)
    const messages = mine.filter(({ job }) => isMessage(job.spec)).length
    return {
      ...offer,
      slots: offer.slots - (mine.length - messages),
      messages: offer.messages - messages,
      cpuMillis: offer.cpuMillis - mine.reduce((sum, a) => sum + a.cpuMillis, 0),
      memoryMib: offer.memoryMib - mine.reduce((sum, a) => sum + a.memoryMib, 0),
    }
  })

interface Round {
  known: string[]
  taken: Taken[]
}

interface Taken {
  runnerId: string
  job: ClaimedJob
  waitedSeconds: number
}

function noteLeased({ job, waitedSeconds }: Taken): void {
  const { publicId: id, number: attempt, spec } = job
  const { queue } = spec
  emitFact({ name: 'attempt.leased', level: 'debug', id, attempt, queue, waited_seconds: waitedSeconds })
}

/** Null for the first one when there are leases that a runner does not know of: those come before new ones. */
async function claimRound(
  tx: Queryable,
  last: Last,
  offers: RunnerOffer[],
  { leaseSeconds, strategy, first }: ClaimOptions & { first: boolean },
): Promise<Round | null> {
  // All three travel together; each sees what was committed before the lock was got.
  const [, rows, asOffered] = await Promise.all([
    tx.query({ name: 'queue_claim_lock', text: 'select pg_advisory_xact_lock($1)', values: [claimLock] }),
    lookAtOffers(tx, offers),
    lookAtWork(tx, offers),
  ])
  if (first && rows.some((row) => row.state === 'online' && row.undelivered > 0)) return null
  const known = rows.map((row) => row.runner_id)
  const free = rows.filter((row) => row.state === 'online').map((row) => whatIsFree(row, offers))
  const runners = free.filter((runner) => runner.slots > 0 || runner.messages > 0)
  if (runners.length === 0 || asOffered.candidates.length === 0) return { known, taken: [] }
  const work = asOfferedIn(offers, runners) ? asOffered : await lookAtWork(tx, runners)
  if (!work.lanes.some(isMessage) && runners.every(({ slots }) => slots <= 0)) return { known, taken: [] }
  const { candidates, neighbours, away } = await lookAround(tx, work, { offers, strategy })
  const plan = planClaim(work.lanes, candidates, [...runners, ...away], { strategy, neighbours })
  if (plan.length === 0) return { known, taken: [] }
  return { known, taken: await take(tx, last, plan, leaseSeconds) }
}

/** The first look went by what the runners said; it holds when the database's count leaves them as much. */
const asOfferedIn = (offers: RunnerOffer[], runners: PlanRunner[]): boolean =>
  runners.length === offers.length &&
  runners.every((runner) => {
    const offer = offers.find((o) => o.runnerId === runner.runnerId)
    return offer?.cpuMillis === runner.cpuMillis && offer.memoryMib === runner.memoryMib
  })

/** The lesser of what the runner offers and what the database says it has left. */
function whatIsFree(row: OfferRow, offers: RunnerOffer[]): PlanRunner {
  const offer = offers.find((o) => o.runnerId === row.runner_id)!
  return {
    runnerId: row.runner_id,
    labels: row.labels,
    executors: row.executors,
    slots: Math.min(offer.slots, row.slots_left),
    cpuMillis: Math.min(offer.cpuMillis, row.cpu_left),
    memoryMib: Math.min(offer.memoryMib, row.memory_left),
    messages: Math.min(offer.messages, messagesAtOnce - row.channels.length),
    channels: row.channels,
    whole: { slots: row.slots, cpuMillis: row.cpu_millis, memoryMib: row.memory_mib },
  }
}

async function take(tx: Queryable, last: Last, plan: Assigned[], leaseSeconds: number): Promise<Taken[]> {
  const [, { rows }] = await Promise.all([
    tx.query(byKeyOnly),
    last<TakenRow>({
      name: 'queue_claim_take',
      text: takePlanned,
      values: [plan.map((p) => p.jobKey), plan.map((p) => p.runnerId), leaseSeconds],
    }),
  ])
  const jobs = new Map(rows.map((row) => [row.id, row]))
  return plan.flatMap(({ jobKey, runnerId }) => {
    const row = jobs.get(jobKey)
    return row ? [{ runnerId, job: claimedJob(row), waitedSeconds: row.waited }] : []
  })
}

interface TakenRow {
  id: string
  public_id: string
  spec: ClaimedJob['spec']
  env_sealed: Buffer | null
  owner_id: string
  number: number
  token: string
  /** Seconds since it was queued. */
  waited: number
  memory_bytes: string | null
}

const claimedJob = (row: TakenRow): ClaimedJob => ({
  jobKey: row.id,
  number: row.number,
  token: row.token,
  publicId: row.public_id,
  spec: withMemory(row.spec, row.memory_bytes),
  envSealed: row.env_sealed,
  ownerId: row.owner_id,
})

// A row that somebody holds (a cancel in progress) is left out, never waited for: all claims wait behind this one.
const takePlanned = `
  with planned as (
    select j.id, j.state_since, p.runner_id from unnest($1::bigint[], $2::bigint[]) as p(job_id, runner_id)
    join jobs j on j.id = p.job_id
    where ${stateById('j')} = 'queued' order by j.id for no key update of j skip locked
  ), moved as (
    update jobs j set state = 'leased', state_since = now(), last_attempt = j.last_attempt + 1
    from planned where j.id = planned.id and ${stateById('j')} = 'queued'
    returning j.id, j.public_id, j.spec, j.env_sealed, j.owner_id, j.queue_id, j.last_attempt as number,
      j.memory_bytes, planned.runner_id, nextval('attempt_token') as token,
      greatest(extract(epoch from clock_timestamp() - planned.state_since), 0)::float8 as waited
  ), attempt as (
    insert into attempts (job_id, number, token, runner_id, state, leased_at, lease_expires_at, memory_bytes)
    select id, number, token, runner_id, 'leased', clock_timestamp(), ${newLease('$3')}, memory_bytes from moved
  ), spent as (
    update queues q set rate_tokens = ${rateTokens('q')} - started.n, rate_refilled_at = clock_timestamp()
    from (select queue_id, count(*)::int as n from moved group by queue_id) started
    where q.id = started.queue_id and q.rate_starts is not null
  ), turn as (
    insert into queue_turns (queue_id, owner_id, last_token)
    select queue_id, owner_id, max(token) from moved group by queue_id, owner_id
    on conflict (queue_id, owner_id) do update set last_token = excluded.last_token
  ), ${tellOf('moved')}
  select id, public_id, spec, env_sealed, owner_id, number, token, waited, memory_bytes,
    (select count(*) from told) as told from moved`

/** Leases whose answer got lost on the way: the runner does not have them, and no start was ever reported. */
async function deliverAgain(db: Db | Queryable, offers: RunnerOffer[], options: ClaimOptions): Promise<Undelivered[]> {
  const lost = await undelivered(db, offers)
  if (lost.length === 0) return []
  const sessions = new Map(offers.map((offer) => [offer.runnerId, offer.session]))
  const from = (runnerId: string) => ({ runnerId, session: sessions.get(runnerId)! })
  const cancelled = lost.filter((l) => l.cancelRequested)
  await finish(
    db,
    cancelled.map(({ runnerId, job }) => ({
      ...from(runnerId),
      ref: job,
      outcome: { state: 'cancelled' as const, message: 'cancelled before it started', remaining_processes: 0 },
      log: null,
    })),
  )
  const open = lost.filter((l) => !l.cancelRequested)
  const answers = await heartbeat(
    db,
    open.map(({ runnerId, job }) => ({ ...from(runnerId), held: [job] })),
    options,
  )
  const renewed = new Set([...answers.values()].flatMap((answer) => answer.renewed.map(attemptKey)))
  return open.filter(({ job }) => renewed.has(attemptKey(job)))
}
