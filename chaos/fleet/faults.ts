/**
 * What is done to a fleet, each kind with its number in the reliability targets. A kind draws what it needs from the
 * seed before the run begins, so that the same seed gives the same plan; where it hits is the machine's affair.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { until } from '../../e2e/system.ts'
import type { Fault, Hurt } from '../faults.ts'
import { environmentOf, initOf, isAlive, openFilesOf, processOf, signal, type ProcessId } from '../host.ts'
import type { Random } from '../random.ts'
import type { Cut } from './network.ts'
import type { Fleet, FleetRunner, FleetServer } from './stand.ts'

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

type Draft = Omit<Step, 'kind' | 'gapMs'>
type Kind = (random: Random, sizes: Sizes) => Draft

const run = promisify(execFile)
const patience = 120_000
const server = (random: Random, { servers }: Sizes): number => random.int(0, servers - 1)
const runner = (random: Random, { runners }: Sizes): number => random.int(0, runners - 1)
const serverName = (nr: number): string => `server${nr + 1}`
const runnerName = (nr: number): string => `runner${nr + 1}`

async function serves(fleet: Fleet, each: FleetServer): Promise<void> {
  await until(`${each.name} to serve again`, () => fleet.isServing(each), patience)
}

async function databaseAnswers(fleet: Fleet): Promise<void> {
  await until('the database', () => fleet.sql('select 1'), patience)
  for (const each of fleet.servers) await serves(fleet, each)
}

/** It has been heard of since. */
async function isHeard(fleet: Fleet, { name }: FleetRunner): Promise<void> {
  const [now] = await until(
    'the time',
    () => fleet.sql<{ now: string }>('select clock_timestamp()::text as now'),
    patience,
  )
  const heard = `select 1 from runners where name = $1 and state <> 'offline' and last_seen_at > $2::timestamptz`
  await until(`${name} to be heard of`, async () => (await fleet.sql(heard, [name, now!.now])).length > 0, patience)
}

const startAgain = async (fleet: Fleet, each: FleetRunner): Promise<void> => {
  if (each.process.id() === null) each.process.start()
  await isHeard(fleet, each)
}

/** kill -9 of servers; they come back after the hold. */
function killServers(which: number[], holdMs: number): Draft {
  return {
    what: `kill -9 of ${which.map(serverName).join(' and ')} for ${holdMs} ms`,
    busy: which.map(serverName),
    holdMs,
    async strike(fleet) {
      const hit = which.map((nr) => fleet.servers[nr]!)
      for (const each of hit) await each.process.kill()
      const everybody = hit.length === fleet.servers.length
      return {
        victim: 'server',
        ...(everybody ? { outage: true as const } : {}),
        async heal() {
          for (const each of hit) each.process.start()
          for (const each of hit) await serves(fleet, each)
        },
      }
    },
  }
}

function databaseDown(how: 'kill' | 'immediate', holdMs: number): Draft {
  return {
    what: `PostgreSQL down (${how}) for ${holdMs} ms`,
    busy: ['database'],
    holdMs,
    async strike(fleet) {
      await fleet.postgres.down(how)
      return {
        victim: 'postgres',
        outage: true,
        async heal() {
          await fleet.postgres.up()
          await databaseAnswers(fleet)
        },
      }
    },
  }
}

function cutRunner(nr: number, how: Cut, holdMs: number, only?: number): Draft {
  const to = only === undefined ? 'all servers' : serverName(only)
  return {
    what: `${runnerName(nr)} cut off from ${to} (${how}) for ${holdMs} ms`,
    busy: [runnerName(nr)],
    holdMs,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      const links = only === undefined ? each.links : [each.links[only]!]
      const heal = await each.machine.cut(
        how,
        links.map(({ port }) => port),
      )
      return {
        victim: 'link',
        where: each.name,
        async heal() {
          await heal()
          await isHeard(fleet, each)
        },
      }
    },
  }
}

function cutDatabase(nr: number, how: Cut, holdMs: number): Draft {
  return {
    what: `${serverName(nr)} cut off from the database (${how}) for ${holdMs} ms`,
    busy: [serverName(nr)],
    holdMs,
    async strike(fleet) {
      const each = fleet.servers[nr]!
      const heal = await each.machine.cut(how, [each.database.port])
      return {
        victim: 'link',
        async heal() {
          await heal()
          await serves(fleet, each)
        },
      }
    },
  }
}

function pause(name: string, victim: Hurt, holdMs: number, find: (fleet: Fleet) => Promise<ProcessId | null>): Draft {
  return {
    what: `SIGSTOP of ${name} for ${holdMs} ms`,
    busy: [name],
    holdMs,
    async strike(fleet) {
      const id = await find(fleet)
      if (id === null || !signal(id, 'SIGSTOP')) return null
      return {
        victim,
        ...(victim === 'runner' ? { where: name } : {}),
        async heal() {
          signal(id, 'SIGCONT')
          const server = fleet.servers.find((each) => each.name === name)
          const runner = fleet.runners.find((each) => each.name === name)
          if (server) await serves(fleet, server)
          if (runner) await isHeard(fleet, runner)
        },
      }
    },
  }
}

/** A reply that was produced and did not arrive. */
function loseReply(name: string, busy: string, find: (fleet: Fleet) => { loseReply(): Promise<void> }[]): Draft {
  return {
    what: `a reply lost: ${name}`,
    busy: [busy],
    holdMs: 300,
    async strike(fleet) {
      const lost = Promise.all(find(fleet).map((proxy) => proxy.loseReply()))
      // What nobody asks on is not waited for.
      await Promise.race([lost, sleep(5000)])
      return { victim: 'link', heal: async () => {} }
    },
  }
}

function slowed(
  name: string,
  busy: string,
  by: { delayMs?: number; bytesPerSecond?: number },
  holdMs: number,
  nr: number,
): Draft {
  return {
    what: `${name} slowed down (${JSON.stringify(by)}) for ${holdMs} ms`,
    busy: [busy],
    holdMs,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      const heals = each.links.map((link) => link.slow(by))
      return {
        victim: 'link',
        where: each.name,
        async heal() {
          for (const heal of heals) heal()
          await isHeard(fleet, each)
        },
      }
    },
  }
}

/** Of one running attempt: pid 1 of its namespace, or itself where it has none. */
function killJob(): Draft {
  return {
    what: 'kill -9 of pid 1 of a running job',
    busy: [],
    holdMs: 0,
    async strike(fleet) {
      const rows = await fleet.sql<{ id: string; number: number; runner: string }>(
        `select j.public_id as id, a.number, r.name as runner from attempts a join jobs j on j.id = a.job_id
         join runners r on r.id = a.runner_id where a.ended_at is null and a.state = 'running' order by random() limit 20`,
      )
      const jobs = fleet.jobs()
      for (const { id, number, runner } of rows) {
        const one = jobs.find(({ pid }) => environmentOf(pid).includes(`RUNYARD_JOB_ID=${id}\0`))
        const init = one && processOf(initOf(one.pid))
        if (init && signal(init, 'SIGKILL')) {
          return { victim: 'job', where: runner, attempt: `${id} ${number}`, heal: async () => {} }
        }
      }
      return null
    },
  }
}

function fillDisk(
  name: string,
  where: string | undefined,
  holdMs: number,
  find: (fleet: Fleet) => FleetRunner | FleetServer,
): Draft {
  return {
    what: `disk of ${name} full for ${holdMs} ms`,
    busy: [where ?? name],
    holdMs,
    async strike(fleet) {
      const each = find(fleet)
      const disk = 'spoolDisk' in each ? each.spoolDisk : each.logDisk
      if (disk === null) throw new Error('this fleet has no small disks')
      const heal = await disk.fill()
      return { victim: 'disk', ...(where === undefined ? {} : { where }), heal }
    },
  }
}

/** SIGTERM, wait for the end in order, start: one after another, under load. */
function rollingRestart(): Draft {
  return {
    what: 'SIGTERM restart of all servers and runners in turn',
    busy: ['server1', 'server2', 'runner1', 'runner2', 'runner3', 'database'],
    holdMs: 0,
    async strike(fleet) {
      return {
        victim: 'halt',
        async heal() {
          for (const each of fleet.servers) {
            await mustStop(each)
            each.process.start()
            await serves(fleet, each)
          }
          for (const [nr, each] of fleet.runners.entries()) {
            const stopped = mustStop(each)
            // A second signal means: at once.
            if (nr === 1) {
              await sleep(300)
              const id = each.process.id()
              if (id) signal(id, 'SIGTERM')
            }
            await stopped
            await startAgain(fleet, each)
          }
        },
      }
    },
  }
}

async function mustStop({ name, process }: { name: string; process: FleetRunner['process'] }): Promise<void> {
  const code = await process.stop()
  if (code !== 0) throw new Error(`${name} did not stop in order: ${code}\n${process.words()}`)
}

function killRunner(nr: number, holdMs: number): Draft {
  return {
    what: `kill -9 of ${runnerName(nr)}, back after ${holdMs} ms`,
    busy: [runnerName(nr)],
    holdMs,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      if (!(await each.process.kill())) return null
      return { victim: 'runner', where: each.name, heal: () => startAgain(fleet, each) }
    },
  }
}

function killLauncher(nr: number): Draft {
  return {
    what: `kill -9 of the launcher of ${runnerName(nr)}`,
    busy: [runnerName(nr)],
    holdMs: 0,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      const id = each.launcher()
      if (id === null || !signal(id, 'SIGKILL')) return null
      const back = async (): Promise<boolean> => {
        await sleep(150) // each look goes through all processes of the host
        const now = each.launcher()
        return now !== null && !isAlive(id) && now.pid !== id.pid
      }
      return {
        victim: 'launcher',
        where: each.name,
        heal: () => until(`a launcher of ${each.name}`, back, patience).then(() => {}),
      }
    },
  }
}

/** Runner, launcher and all that hangs on them, as when the machine loses its power; it comes back much later. */
function killMachine(nr: number, sizes: Sizes): Draft {
  const holdMs = sizes.leaseSeconds * 3000
  return {
    what: `the machine of ${runnerName(nr)} dies, back after ${holdMs} ms`,
    busy: [runnerName(nr)],
    holdMs,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      const launcher = each.launcher()
      await each.process.kill()
      if (launcher) signal(launcher, 'SIGKILL')
      return { victim: 'launcher', where: each.name, heal: () => startAgain(fleet, each) }
    },
  }
}

/** The connection that brings the notices stays open, and nothing comes any more. */
function deafServer(nr: number, holdMs: number): Draft {
  return {
    what: `notices of the database no longer reach ${serverName(nr)} for ${holdMs} ms`,
    busy: [serverName(nr)],
    holdMs,
    async strike(fleet) {
      const each = fleet.servers[nr]!
      const heal = each.database.swallow('client', (connection) => connection.said('LISTEN '))
      return {
        victim: 'link',
        async heal() {
          heal()
          await serves(fleet, each)
        },
      }
    },
  }
}

/** The date of one process, and of no other, is off. */
function jump(name: string, seconds: number): Draft {
  return {
    what: `the date of ${name} is off by ${seconds} s for 10 s`,
    busy: [name],
    holdMs: 10 * second,
    async strike(fleet) {
      fleet.setClock(name, seconds)
      return { victim: 'clock', where: 'nobody', heal: async () => fleet.setClock(name, 0) }
    },
  }
}

/** It may open no more files than it has open, and two. */
function noMoreFiles(nr: number): Draft {
  return {
    what: `${runnerName(nr)} may open no more files for 8 s`,
    busy: [runnerName(nr)],
    holdMs: 8 * second,
    async strike(fleet) {
      const each = fleet.runners[nr]!
      const id = each.process.id()
      const open = id && openFilesOf(id)
      if (!id || !open) return null
      const limit = (files: string): Promise<unknown> => run('prlimit', ['--pid', String(id.pid), `--nofile=${files}`])
      await limit(`${open + 2}:`)
      return {
        victim: 'limit',
        where: each.name,
        async heal() {
          if (isAlive(id)) await limit('4096:')
          await isHeard(fleet, each)
        },
      }
    },
  }
}

const second = 1000
const jumps: readonly number[] = [3600, -3600, 86_400, -86_400]
const cuts: readonly Cut[] = ['drop', 'reject', 'reset', 'inbound', 'outbound']
const partitionMs = (random: Random, { partitions }: Sizes): number => random.pick(partitions) * second
const pauseMs = (random: Random, { pauses, leaseSeconds }: Sizes): number => random.pick(pauses) * leaseSeconds * second

export const kinds = {
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
      await fleet.postgres.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runyard %' and pid <> pg_backend_pid()`,
      )
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
    await Promise.all(step.busy.map((name) => busy.get(name)))
    const before = Date.now()
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
