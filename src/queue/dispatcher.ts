/**
 * Holds the long polls of all runners of this server and serves them in common claim rounds: one round for whoever
 * waits, at once when somebody asks or something was queued, and every second whatever the hints say.
 */
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { claim, type ClaimOptions } from './claim.ts'
import type { ClaimedJob, RunnerOffer } from './types.ts'

export interface Dispatcher {
  /** Jobs as soon as there are any, or none after `waitMs`. A newer request of the same runner ends an older one. */
  request(offer: RunnerOffer, waitMs: number, signal?: AbortSignal): Promise<ClaimedJob[]>
  /** Something may be claimable: queued, a cap has room again, a queue was opened. */
  wake(): void
  stop(): Promise<void>
}

interface Waiting {
  offer: RunnerOffer
  /** Its time is up; it goes when the round that looks for it has ended. */
  expired: boolean
  looked: boolean
  answer(jobs: ClaimedJob[]): void
  fail(error: unknown): void
}

async function isAnyQueued(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>("select exists (select from jobs where state = 'queued') as any")
  return rows[0]?.any === true
}

export interface DispatcherOptions extends ClaimOptions {
  pollMs?: number
  /** False while there is no disk space for what new jobs would bring: only what was leased before is delivered. */
  hasRoom?: () => Promise<boolean>
}

export function createDispatcher(db: Db, options: DispatcherOptions): Dispatcher {
  const waiting = new Map<string, Waiting>()
  let round: Promise<void> | undefined
  let again = false
  let stopped = false

  const poll = setInterval(() => void lookForWork(), options.pollMs ?? 1000)
  poll.unref()

  /** A round is six statements, and hints are seldom lost: where nothing is queued, one answers. */
  async function lookForWork(): Promise<void> {
    if (stopped || waiting.size === 0 || round) return
    if (await isAnyQueued(db).catch(() => true)) wake()
  }

  function wake(): void {
    if (stopped || waiting.size === 0) return
    if (round) {
      again = true
      return
    }
    round = rounds()
  }

  async function rounds(): Promise<void> {
    do {
      again = false
      const served = [...waiting.values()]
      for (const w of served) w.looked = false
      try {
        const room = (await options.hasRoom?.()) ?? true
        const given = await claim(
          db,
          served.map((w) => (room ? w.offer : { ...w.offer, slots: 0, messages: 0 })),
          options,
        )
        for (const w of served) {
          const jobs = given.get(w.offer.runnerId)
          w.looked = true
          if (!jobs) w.fail(new AppError('failed_precondition', 'this runner was registered anew; register again'))
          else if (jobs.length > 0) successorOf(w).answer(jobs)
          else if (w.expired) w.answer([])
          // Caps and the size of a round may have left something for the others.
          again ||= (jobs?.length ?? 0) > 0
        }
      } catch (error) {
        for (const w of served) w.fail(error)
      }
    } while (again && !stopped && waiting.size > 0)
    // Here and not in a `finally` of the caller: a request that comes a microtask later must find no round.
    round = undefined
  }

  /** The runner asked anew while the round went on. */
  function successorOf(w: Waiting): Waiting {
    const current = waiting.get(w.offer.runnerId)
    return current?.offer.session === w.offer.session ? current : w
  }

  return {
    wake,
    request(offer, waitMs, signal) {
      if (stopped)
        return Promise.reject(new AppError('unavailable', 'the server is stopping', { retryAfterSeconds: 1 }))
      if (signal?.aborted) return Promise.resolve([])
      waiting.get(offer.runnerId)?.answer([])
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          if (waiting.get(offer.runnerId) === mine) waiting.delete(offer.runnerId)
        }
        // What a round gives to somebody who has left stays leased to that runner and is delivered when it asks again.
        const giveUp = (): void => mine.answer([])
        // However short the wait, one round looks for it; and none gives to somebody who left in the middle of it.
        const timer = setTimeout(() => {
          mine.expired = true
          if (mine.looked) giveUp()
        }, waitMs)
        const mine: Waiting = {
          offer,
          expired: false,
          looked: false,
          answer(jobs) {
            leave()
            resolve(jobs)
          },
          fail(error) {
            leave()
            reject(error as Error)
          },
        }
        signal?.addEventListener('abort', giveUp, { once: true })
        waiting.set(offer.runnerId, mine)
        wake()
      })
    },
    async stop() {
      stopped = true
      clearInterval(poll)
      for (const w of [...waiting.values()]) w.answer([])
      await round
    },
  }
}
