/**
 * The shared inputs of this machine and how they are. One that does not answer is taken from the runner's labels, so
 * that jobs which name it wait for another runner or for its return, and all other jobs go on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { lookIn } from '../executors/shares/look.ts'
import { labelsOfShares } from '../job/inputs.ts'
import { emitFact } from '../lib/facts.ts'

/** Between two looks; a share that is gone may come back at any moment. */
const wellMs = 30_000
const badMs = 5_000

export interface ShareState {
  ok: boolean
  /** When it became so; ISO 8601. */
  since: string
  /** Null when it is well. */
  reason: string | null
}

export interface Shares {
  /** For the server and for people. */
  states(): Record<string, ShareState>
  labels(): Record<string, string>
  /** A start could not use it. Resolves when the server knows, or after a moment. */
  failed(share: string): Promise<void>
  /** Looks at them again and again until the signal; `onChange` tells the server. */
  watch(onChange: () => Promise<void>, signal: AbortSignal): void
}

export interface SharesOptions {
  /** Name → directory. */
  dirs: Record<string, string>
  look?: typeof lookIn
}

export async function createShares({ dirs, look = lookIn }: SharesOptions): Promise<Shares> {
  const states = new Map<string, ShareState>()
  let tell: () => Promise<void> = async () => {}
  /** Ends the pause of the watch. */
  let wake = new AbortController()

  /** True when it is not as it was. */
  const lookAt = async (share: string): Promise<boolean> => {
    const seen = await look(dirs[share]!, [])
    const reason = 'stale' in seen ? seen.stale : seen.entries[0]?.directory ? null : `${dirs[share]} is no directory`
    const before = states.get(share)
    if (before && before.ok === (reason === null)) {
      before.reason = reason
      return false
    }
    states.set(share, { ok: reason === null, since: new Date().toISOString(), reason })
    if (reason !== null) emitFact({ name: 'share.lost', level: 'warn', share, dir: dirs[share], reason })
    else if (before) emitFact({ name: 'share.back', share })
    return true
  }
  const lookAtAll = async (): Promise<boolean> => (await Promise.all(Object.keys(dirs).map(lookAt))).includes(true)

  await lookAtAll()
  return {
    states: () => Object.fromEntries(states),
    labels: () => labelsOfShares([...states].flatMap(([share, { ok }]) => (ok ? [share] : []))),
    async failed(share) {
      if (!states.has(share) || !(await lookAt(share))) return
      wake.abort()
      await tell()
    },
    watch(onChange, signal) {
      tell = onChange
      const isBad = (): boolean => [...states.values()].some(({ ok }) => !ok)
      const run = async (): Promise<void> => {
        while (!signal.aborted) {
          wake = new AbortController()
          const until = AbortSignal.any([signal, wake.signal])
          await sleep(isBad() ? badMs : wellMs, undefined, { signal: until, ref: false }).catch(() => {})
          if (wake.signal.aborted) continue
          if (!signal.aborted && (await lookAtAll())) await tell()
        }
      }
      if (Object.keys(dirs).length > 0) void run()
    },
  }
}
