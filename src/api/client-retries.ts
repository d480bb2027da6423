/** When a follower that lost its server asks again and when it gives up: the same over both protocols. */

/** The server has been away for so many milliseconds and is asked again. */
export type OnAway = (ms: number) => void

const mostRetries = 20
const longestRetryMs = 5_000
/** A try that lasted so long had found a server, even when a quiet job sent nothing: no dial takes that long. */
const heldMs = 30_000

export interface FollowRetries {
  asking(): void
  heard(): void
  /** False: often enough. */
  mayGoOn(): boolean
  pause(): Promise<void>
}

export function createFollowRetries(onAway: OnAway = () => {}, now = () => performance.now()): FollowRetries {
  let failures = 0
  let askedAt = now()
  let lostAt: number | undefined
  const found = (): void => {
    failures = 0
    lostAt = undefined
  }
  return {
    asking: () => (askedAt = now()),
    heard: found,
    mayGoOn() {
      if (now() - askedAt >= heldMs) found()
      return failures < mostRetries
    },
    async pause() {
      lostAt ??= now()
      onAway(now() - lostAt)
      const ms = Math.min(longestRetryMs, 100 * 2 ** failures++) * (0.5 + Math.random() / 2)
      await new Promise((resolve) => setTimeout(resolve, ms))
    },
  }
}
