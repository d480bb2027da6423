/** Links cut, slowed down and lied to, the database taken away, disks filled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseAnswers, isHeard, runnerName, serverName, serves, type Draft } from './blow.ts'
import type { Cut } from './network.ts'
import type { Fleet, FleetRunner, FleetServer } from './fleet.ts'

export function cutRunner(nr: number, how: Cut, holdMs: number, only?: number): Draft {
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

export function cutDatabase(nr: number, how: Cut, holdMs: number): Draft {
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

/** A reply that was produced and did not arrive. */
export function loseReply(name: string, busy: string, find: (fleet: Fleet) => { loseReply(): Promise<void> }[]): Draft {
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

export function slowed(
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

/** The connection that brings the notices stays open, and nothing comes any more. */
export function deafServer(nr: number, holdMs: number): Draft {
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

export function databaseDown(how: 'kill' | 'immediate', holdMs: number): Draft {
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

export function fillDisk(
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
