/** What a follower says while its server is away, and when it stays away: the job goes on all the same. */
import type { FollowEvent } from '../api/client.ts'
import type { OnAway } from '../api/client-retries.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { notice } from './render.ts'

/** A server that restarts is back by then. */
const tellAfterMs = 2_000

export interface Following {
  url: string
  jobId: string
  verbose: boolean
  stream?: string
  offset?: number
}

export const stayedAway = ({ url, jobId, stream = 'all', offset = 0 }: Following, cause: unknown): AppError => {
  const from = `${stream === 'all' ? '' : ` --stream ${stream}`}${offset === 0 ? '' : ` --offset ${offset}`}`
  const words = `no server answers at ${url} any more; the job ${jobId} goes on: runyard log -f ${jobId}${from}`
  return new AppError('unavailable', words, { cause })
}

/** For one call of `followLog`: `onAway` is its listener, `guard` goes around its events. */
export function watchFollowing(following: Following) {
  let { offset = 0 } = following
  let retried = false
  let told = false
  const onAway: OnAway = (ms) => {
    retried = true
    const long = ms >= tellAfterMs
    if (long && !told) notice('connection lost, trying again…', following.verbose)
    told = long
  }
  async function* guard(events: AsyncIterable<FollowEvent>): AsyncGenerator<FollowEvent> {
    try {
      for await (const event of events) {
        yield event
        if (event.type === 'log') offset = event.offset + (event.stream === 'mark' ? 0 : event.bytes.length)
      }
    } catch (error) {
      // A server that was never there is a wrong address, and says so itself.
      if (!retried || !isAppError(error) || error.code !== 'unavailable') throw error
      throw stayedAway({ ...following, offset }, error)
    }
  }
  return { onAway, guard }
}
