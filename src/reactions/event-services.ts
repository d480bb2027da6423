/** Loops that one of all servers runs; what each does is done once, even when two run them. */
import type { Db } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'
import type { EventHooks } from './event-hooks.ts'
import { fireDue } from './fire.ts'
import { settleEnded } from './settle.ts'

export const eventSettling = 'events.settle'
/** What a job's end leads to does not wait longer; ends that come meanwhile are one look. */
export const settleAfterEndMs = 50

/** The look of every second finds what no notice told of, and what is due. */
export const eventServices = (db: Db, hooks: EventHooks): Service[] => [
  {
    name: eventSettling,
    every: 1000,
    async runOnce() {
      await settleEnded(db, hooks)
      const nextMs = await fireDue(db, hooks)
      return nextMs === undefined || nextMs > 1000 ? undefined : nextMs
    },
  },
]
