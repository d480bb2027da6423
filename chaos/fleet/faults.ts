/**
 * What is done to a fleet, each kind with its number in the reliability targets. A kind draws what it needs from the
 * seed before the run begins, so that the same seed gives the same plan; where it hits is the machine's affair.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../e2e/system.ts'
import type { Fault } from '../faults.ts'
import { processOf } from '../host.ts'
import type { Random } from '../random.ts'
import {
  databaseAnswers,
  endBackends,
  patience,
  runnerName,
  serverName,
  type Blow,
  type Draft,
  type Sizes,
  type Step,
} from './blow.ts'
import { cutDatabase, cutRunner, databaseDown, deafServer, fillDisk, loseReply, slowed } from './hurt-links.ts'
import {
  jump,
  killJob,
  killLauncher,
  killMachine,
  killRunner,
  killServers,
  noMoreFiles,
  pause,
  rollingRestart,
} from './hurt-processes.ts'
import type { Cut } from './network.ts'
import type { Fleet } from './fleet.ts'

export type { Sizes } from './blow.ts'

type Kind = (random: Random, sizes: Sizes) => Draft

const server = (random: Random, { servers }: Sizes): number => random.int(0, servers - 1)
const runner = (random: Random, { runners }: Sizes): number => random.int(0, runners - 1)
const second = 1000
const jumps: readonly number[] = [3600, -3600, 86_400, -86_400]
const cuts: readonly Cut[] = ['drop', 'reject', 'reset', 'inbound', 'outbound']
const partitionMs = (random: Random, { partitions }: Sizes): number => random.pick(partitions) * second
const pauseMs = (random: Random, { pauses, leaseSeconds }: Sizes): number => random.pick(pauses) * leaseSeconds * second

const kinds = {
  'F1 server': (random, sizes) => killServers([server(random, sizes)], random.int(20, 3000)),
  'F2 all servers': (random, sizes) =>
    killServers(
      Array.from({ length: sizes.servers }, (_, i) => i),
      random.int(500, 5000),
    ),
  'F3 runner': (random, sizes) => killRunner(runner(random, sizes), random.int(20, 800)),
  'F3 machine': (random, sizes) => killMachine(runner(random, sizes), sizes),
  'F4 launcher': (random, sizes) => killLauncher(runner(random, sizes)),
  'F4 job': () => killJob(),
  'F5 kill': (random) => databaseDown('kill', random.int(500, 4000)),
  'F5 immediate': (random) => databaseDown('immediate', random.int(500, 4000)),
  'F5 backends': () => ({
    what: 'all backends of the servers terminated',
    busy: ['database'],
    holdMs: 0,
    async strike(fleet) {
      await endBackends(fleet)
      return { victim: 'postgres', outage: true, heal: () => databaseAnswers(fleet) }
    },
  }),
  'F6 to runner': (random, sizes) => {
    const nr = runner(random, sizes)
    return loseReply(`server to ${runnerName(nr)}`, runnerName(nr), (fleet) => fleet.runners[nr]!.links)
  },
  'F6 to user': (random, sizes) => {
    const nr = server(random, sizes)
    return loseReply(`${serverName(nr)} to its users`, `users ${nr}`, (fleet) => [fleet.servers[nr]!.rest])
  },
  'F6 to server': (random, sizes) => {
    const nr = server(random, sizes)
    return loseReply(`database to ${serverName(nr)}`, serverName(nr), (fleet) => [fleet.servers[nr]!.database])
  },
  'F7 runner': (random, sizes) => cutRunner(runner(random, sizes), random.pick(cuts), partitionMs(random, sizes)),
  'F7 runner one server': (random, sizes) =>
    cutRunner(runner(random, sizes), random.pick(cuts), partitionMs(random, sizes), server(random, sizes)),
  'F7 database': (random, sizes) => cutDatabase(server(random, sizes), random.pick(cuts), partitionMs(random, sizes)),
  'F7 loss': (random, sizes) => cutRunner(runner(random, sizes), 'loss', 10 * second),
  'F8 delay': (random, sizes) => {
    const nr = runner(random, sizes)
    return slowed(runnerName(nr), runnerName(nr), { delayMs: 500 }, 10 * second, nr)
  },
  'F8 trickle': (random, sizes) => {
    const nr = runner(random, sizes)
    return slowed(runnerName(nr), runnerName(nr), { bytesPerSecond: 1000 }, 10 * second, nr)
  },
  'F8 deaf': (random, sizes) => deafServer(server(random, sizes), 20 * second),
  'F9 server': (random, sizes) => {
    const nr = server(random, sizes)
    return pause(serverName(nr), 'server', pauseMs(random, sizes), async (fleet) => fleet.servers[nr]!.process.id())
  },
  'F9 runner': (random, sizes) => {
    const nr = runner(random, sizes)
    return pause(runnerName(nr), 'runner', pauseMs(random, sizes), async (fleet) => fleet.runners[nr]!.process.id())
  },
  'F9 backend': (random, sizes) =>
    pause('database', 'postgres', pauseMs(random, sizes), async (fleet) => {
      const [row] = await fleet.postgres.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name like 'runyard %' order by random() limit 1`,
      )
      return row === undefined ? null : processOf(row.pid)
    }),
  'F10 spool': (random, sizes) => {
    const nr = runner(random, sizes)
    return fillDisk(runnerName(nr), runnerName(nr), random.int(3, 8) * second, (fleet) => fleet.runners[nr]!)
  },
  'F10 log store': (random, sizes) => {
    const nr = server(random, sizes)
    return fillDisk(serverName(nr), undefined, random.int(3, 8) * second, (fleet) => fleet.servers[nr]!)
  },
  'F12 server': (random, sizes) => jump(serverName(server(random, sizes)), random.pick(jumps)),
  'F12 runner': (random, sizes) => jump(runnerName(runner(random, sizes)), random.pick(jumps)),
  'F13 files': (random, sizes) => noMoreFiles(runner(random, sizes)),
  'F14 restart': () => rollingRestart(),
} satisfies Record<string, Kind>

export type KindName = keyof typeof kinds
export const kindNames = Object.keys(kinds) as KindName[]

/** So many faults, each of the kinds as often as every other, in an order that the seed decides. */
export function planOf(random: Random, count: number, among: readonly KindName[], gapMs: number, sizes: Sizes): Step[] {
  const order: KindName[] = []
  while (order.length < count) order.push(...random.shuffle(among))
  return order.slice(0, count).map((kind) => ({
    kind,
    gapMs: Math.round(gapMs * (0.5 + random.next())),
    ...(kinds[kind] as Kind)(random, sizes),
  }))
}

/** Strikes one after another, without waiting for the healing of what the next one leaves alone. */
export async function strikeAll(
  fleet: Fleet,
  plan: Step[],
  faults: Fault[],
  say: (line: string) => void,
): Promise<void> {
  const busy = new Map<string, Promise<void>>()
  const healings: Promise<void>[] = []
  for (const [nr, step] of plan.entries()) {
    await sleep(step.gapMs)
    for (const name of step.busy) await busy.get(name)
    let at = 0
    const strike = (): Promise<Blow | null> => {
      at = Date.now()
      return step.strike(fleet)
    }
    const blow = await until(step.what, strike, patience)
    const { heal, ...felt } = blow
    const fault: Fault = {
      nr: faults.length,
      ...felt,
      what: `${step.kind.split(' ')[0]} ${step.what}`,
      at,
      backAt: Infinity,
    }
    faults.push(fault)
    say(`${nr + 1}/${plan.length} ${fault.what}`)
    const healing = (async () => {
      await sleep(step.holdMs)
      await heal()
      fault.backAt = Date.now()
    })()
    healings.push(healing)
    // Noted when it is waited for below.
    healing.catch(() => {})
    for (const name of step.busy) busy.set(name, healing)
  }
  await Promise.all(healings)
}
