/** Follows a job's log, over the end of the server when another one takes its place. */
import type { ApiClient, FollowEvent, FollowRequest } from '../api/client.ts'
import type { OnAway } from '../api/client-retries.ts'

export interface Followed {
  readonly client: ApiClient
  /** Resolves when the server of this machine has ended; with the one that took its place, if one did. */
  nextServer(): Promise<Followed | undefined>
}

/** The server ended, and none came after it. */
export class ServerGone extends Error {}

/** Every event once: goes on at the byte where the last server stopped. */
export async function* followJob(first: Followed, jobId: string, onAway?: OnAway): AsyncGenerator<FollowEvent> {
  let wanted: FollowRequest = { jobId }
  for (let server = first; ;) {
    const abort = new AbortController()
    const next = server.nextServer()
    const events = server.client.followLog(wanted, abort.signal, onAway)
    try {
      for (;;) {
        const step = events.next()
        // The one that loses the race may fail later.
        step.catch(() => {})
        const got = await Promise.race([step, next.then((other) => ({ other }))])
        if ('other' in got) {
          if (got.other === undefined) throw new ServerGone()
          server = got.other
          break
        }
        if (got.done) return
        const event = got.value
        yield event
        if (event.type === 'end') return
        const length = event.stream === 'mark' ? 0 : event.bytes.length
        wanted = { jobId, attempt: event.attempt, onward: true, offset: event.offset + length }
      }
    } finally {
      abort.abort()
    }
  }
}

/** What is asked of a server that ends meanwhile is undefined: ask the next one. */
export async function orGone<T>(server: Followed, work: Promise<T>): Promise<T | undefined> {
  // The server's end explains its failure, and is known a moment later.
  const answer = work.then(
    (value) => ({ value }),
    async (error: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      throw error
    },
  )
  answer.catch(() => {})
  const got = await Promise.race([answer, server.nextServer().then((other) => ({ other }))])
  if ('value' in got) return got.value
  if (got.other === undefined) throw new ServerGone()
  return undefined
}
