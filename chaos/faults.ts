/** Kills -9 at seeded random moments; what was killed comes back after a short pause, as an operator's restart would. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../e2e/system.ts'
import { isAlive, signal, type ProcessId } from './host.ts'
import type { Random } from './random.ts'
import { victims, type Stand, type Victim } from './stand.ts'

/**
 * A job's own pid 1 or witness; a link; a disk; whoever is told to end (`halt`), may open no files (`limit`), or has
 * another date (`clock`): the rest of what can be hurt.
 */
export type Hurt = Victim | 'job' | 'link' | 'disk' | 'halt' | 'limit' | 'clock'

export interface Fault {
  nr: number
  victim: Hurt
  /** The runner that alone feels it (with `job`: whose attempt it was); everybody when missing. */
  where?: string
  /** `job`: which attempt, as `ID NUMBER`. */
  attempt?: string
  /** Nobody could answer: the database or all servers were away. */
  outage?: true
  /** In words, with its number among the faults of the reliability targets. */
  what?: string
  /** ms since 1970, the clock of the database as well. */
  at: number
  /** When it was seen at work again; Infinity until then. */
  backAt: number
}

export interface FaultPlan {
  victim: Victim
  /** After the kill before. */
  gapMs: number
  /** Before it is started again. */
  pauseMs: number
}

/** Every victim as often as every other, in an order that the seed decides. */
export function planFaults(
  random: Random,
  count: number,
  gapMs: number,
  among: readonly Victim[] = victims,
): FaultPlan[] {
  const order: Victim[] = []
  while (order.length < count) order.push(...random.shuffle(among))
  return order.slice(0, count).map((victim) => ({
    victim,
    gapMs: Math.round(gapMs * (0.4 + 1.2 * random.next())),
    pauseMs: random.int(20, 800),
  }))
}

/** Resolves when the last one is back; each is noted in `faults` as it happens. */
export async function injectFaults(
  stand: Stand,
  plan: FaultPlan[],
  faults: Fault[],
  say: (line: string) => void,
): Promise<void> {
  const revivals: Promise<void>[] = []
  const one = async (step: FaultPlan, nr: number): Promise<void> => {
    await sleep(step.gapMs)
    // Still on its way back from the kill before: then its first moments are the ones to be hit.
    const look = async (): Promise<ProcessId | null> => stand.victim(step.victim) ?? (await sleep(100), null)
    const id = await until(`a live ${step.victim} to kill`, look, 60_000)
    if (!isAlive(id)) return one({ ...step, gapMs: 50 }, nr)
    const before = await sessionOf(stand)
    const fault: Fault = { nr, victim: step.victim, at: Date.now(), backAt: Infinity }
    const managed = step.victim === 'server' ? stand.server : step.victim === 'runner' ? stand.runner : null
    if (managed ? !(await managed.kill()) : !signal(id, 'SIGKILL')) return one({ ...step, gapMs: 50 }, nr)
    faults.push(fault)
    say(`kill ${nr + 1}/${plan.length}: ${step.victim} ${id.pid}`)
    revivals.push(
      sleep(managed ? step.pauseMs : 0).then(async () => {
        managed?.start()
        await isBack(stand, { nr, victim: step.victim, id }, before)
        fault.backAt = Date.now()
      }),
    )
  }
  for (const [nr, step] of plan.entries()) await one(step, nr)
  await Promise.all(revivals)
}

const sessionOf = async (stand: Stand): Promise<string | null> => {
  const rows = await stand
    .sql<{ session: string }>(`select session from runners where name = 'first'`)
    .catch(() => [] as { session: string }[])
  return rows[0]?.session ?? null
}

async function isBack(
  stand: Stand,
  { nr, victim, id }: { nr: number; victim: Victim; id: ProcessId },
  session: string | null,
): Promise<void> {
  const patience = 120_000
  const what = `${victim} to come back after kill ${nr + 1}`
  // Killed once more meanwhile: the later kill waits for it.
  const again = (): boolean => {
    const now = stand.victim(victim)
    return now !== null && now.pid === id.pid
  }
  if (victim === 'launcher') {
    await until(
      what,
      async () => {
        await sleep(150) // each look goes through all processes of the host
        return stand.victim('launcher') !== null && !again()
      },
      patience,
    )
  } else if (victim === 'runner') {
    await until(
      what,
      async () => {
        const now = await sessionOf(stand)
        return now !== null && now !== session
      },
      patience,
    )
  } else {
    await until(
      what,
      async () => {
        const response = await fetch(`${stand.url}/api/v1/ready`, { signal: AbortSignal.timeout(2000) })
        await stand.sql('select 1')
        return response.ok && !again()
      },
      patience,
    )
  }
}
