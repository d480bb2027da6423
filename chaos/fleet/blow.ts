/** What a fault is before it happens, and what those who make faults share. */
import { until } from '../../e2e/system.ts'
import type { Hurt } from '../faults.ts'
import type { Fleet, FleetRunner, FleetServer } from './fleet.ts'

export interface Blow {
  victim: Hurt
  where?: string
  attempt?: string
  outage?: true
  /** Ends it and waits until what was hurt is at work again. */
  heal(): Promise<void>
}

export interface Step {
  kind: string
  what: string
  /** What nothing else may hurt at the same time. */
  busy: string[]
  gapMs: number
  holdMs: number
  strike(fleet: Fleet): Promise<Blow | null>
}

export interface Sizes {
  servers: number
  runners: number
  /** Seconds of partitions, of which one is drawn. */
  partitions: readonly number[]
  /** In leases. */
  pauses: readonly number[]
  leaseSeconds: number
}

export type Draft = Omit<Step, 'kind' | 'gapMs'>

export const patience = 120_000
export const serverName = (nr: number): string => `server${nr + 1}`
export const runnerName = (nr: number): string => `runner${nr + 1}`

export async function serves(fleet: Fleet, each: FleetServer): Promise<void> {
  await until(`${each.name} to serve again`, () => fleet.isServing(each), patience)
}

export async function databaseAnswers(fleet: Fleet): Promise<void> {
  await until('the database', () => fleet.sql('select 1'), patience)
  for (const each of fleet.servers) await serves(fleet, each)
}

export const endBackends = (fleet: Fleet): Promise<unknown> =>
  fleet.postgres.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runyard %' and pid <> pg_backend_pid()`,
  )

/**
 * What a server sent into a link that was down is sent again by its kernel, up to as long after as the link was down. So
 * a submit that nobody waits for any more becomes a job while the rig counts; ended backends take nothing more.
 */
export async function nothingOnItsWay(fleet: Fleet): Promise<void> {
  await endBackends(fleet)
  await databaseAnswers(fleet)
}

/** It has been heard of since. */
export async function isHeard(fleet: Fleet, { name }: FleetRunner): Promise<void> {
  const [now] = await until(
    'the time',
    () => fleet.sql<{ now: string }>('select clock_timestamp()::text as now'),
    patience,
  )
  const heard = `select 1 from runners where name = $1 and state <> 'offline' and last_seen_at > $2::timestamptz`
  await until(`${name} to be heard of`, async () => (await fleet.sql(heard, [name, now!.now])).length > 0, patience)
}

export const startAgain = async (fleet: Fleet, each: FleetRunner): Promise<void> => {
  if (each.process.id() === null) each.process.start()
  await isHeard(fleet, each)
}
