/** Processes killed, stopped, told to end, put into another time, denied files. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { until } from '../../e2e/system.ts'
import type { Hurt } from '../faults.ts'
import { environmentOf, initOf, isAlive, openFilesOf, processOf, signal, type ProcessId } from '../host.ts'
import { isHeard, patience, runnerName, serverName, serves, startAgain, type Draft, type Sizes } from './blow.ts'
import type { Fleet, FleetRunner } from './fleet.ts'

const run = promisify(execFile)

/** kill -9 of servers; they come back after the hold. */
export function killServers(which: number[], holdMs: number): Draft {
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

export function killRunner(nr: number, holdMs: number): Draft {
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

export function killLauncher(nr: number): Draft {
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
export function killMachine(nr: number, sizes: Sizes): Draft {
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

/** Of one running attempt: pid 1 of its namespace, or itself where it has none. */
export function killJob(): Draft {
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

export function pause(
  name: string,
  victim: Hurt,
  holdMs: number,
  find: (fleet: Fleet) => Promise<ProcessId | null>,
): Draft {
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

/** SIGTERM, wait for the end in order, start: one after another, under load. */
export function rollingRestart(): Draft {
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

/** The date of one process, and of no other, is off. */
export function jump(name: string, seconds: number): Draft {
  return {
    what: `the date of ${name} is off by ${seconds} s for 10 s`,
    busy: [name],
    holdMs: 10_000,
    async strike(fleet) {
      fleet.setClock(name, seconds)
      return { victim: 'clock', where: 'nobody', heal: async () => fleet.setClock(name, 0) }
    },
  }
}

/** It may open no more files than it has open, and two. */
export function noMoreFiles(nr: number): Draft {
  return {
    what: `${runnerName(nr)} may open no more files for 8 s`,
    busy: [runnerName(nr)],
    holdMs: 8000,
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
