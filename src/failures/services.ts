/** What one of all servers does about failures: all of it is harmless when two do it. */
import type { Db } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'
import { closeIncidents, pruneIncidents } from './close-incidents.ts'
import { noteFlapping } from './flapping.ts'
import { groupFailures, pruneGroups } from './group-failures.ts'
import type { TellIncidents } from './open-incidents.ts'

/** Woken when jobs change; the look of every few seconds finds what no notice told of. */
export const grouping = 'failures.group'

export const failureServices = (db: Db, tell: TellIncidents, { retainDays }: { retainDays: number }): Service[] => [
  {
    name: grouping,
    every: 3000,
    async runOnce() {
      await groupFailures(db, tell)
    },
  },
  {
    name: 'failures.close_incidents',
    every: 15_000,
    async runOnce() {
      await closeIncidents(db, tell)
    },
  },
  {
    name: 'failures.flapping',
    every: 60_000,
    async runOnce() {
      await noteFlapping(db, tell)
    },
  },
  {
    name: 'failures.prune',
    every: 600_000,
    async runOnce() {
      await pruneGroups(db, retainDays)
      await pruneIncidents(db, retainDays)
    },
  },
]
