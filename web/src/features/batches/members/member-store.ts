import type { Job } from '../../../lib/api.ts'
import type { LiveConnection, ServerMessage } from '../../../lib/live.ts'

export interface MemberSnapshot {
  /** In the order of the batch; those that are here so far. A new array with every change. */
  members: readonly Job[]
  /** Whether all have been read. */
  complete: boolean
  error: unknown
}

interface MemberPage {
  jobs: Job[]
  next_cursor: string | null
}

export interface MemberStoreOptions {
  batchId: string
  /** Members that failed come with a question of their own, so that they are seen before ten thousand others are read. */
  readPage: (cursor: string | undefined, failedOnly: boolean) => Promise<MemberPage>
  live: Pick<LiveConnection, 'subscribe'>
  /** Changes are gathered this long before anything renders, ms. */
  gatherMs?: number
}

/** A new reading of all begins at the earliest after this, and after four times as long as the last one took, ms. */
const leastPause = 1000

/**
 * All members of a batch, up to ten thousand: read once, page by page, then kept true by the live connection. Beside the
 * Query cache, because a change of one member must cost one entry of a map, not a walk through fifty cached pages.
 */
export class MemberStore {
  readonly #options: Required<MemberStoreOptions>
  readonly #watchers = new Set<() => void>()
  readonly #members = new Map<string, Job>()
  /** Changed by the live connection during a reading: what a page says of them may be older. */
  #fresh = new Map<string, number>()
  #snapshot: MemberSnapshot = { members: [], complete: false, error: null }
  #timer: ReturnType<typeof setTimeout> | undefined
  #again: ReturnType<typeof setTimeout> | undefined
  #reading = false
  #wanted = false
  #stop: (() => void) | null = null

  constructor(options: MemberStoreOptions) {
    this.#options = { gatherMs: 250, ...options }
  }

  snapshot = (): MemberSnapshot => this.#snapshot

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  start(): void {
    const { live, batchId } = this.#options
    this.#stop ??= live.subscribe(
      () => ({ topic: 'batch', batch_id: batchId, members: true }),
      (message) => this.#take(message),
    )
  }

  stop(): void {
    this.#stop?.()
    this.#stop = null
    clearTimeout(this.#timer)
    clearTimeout(this.#again)
    this.#timer = this.#again = undefined
  }

  /** Reads everything again, e.g. because the last reading failed. */
  read = (): void => {
    if (this.#reading) this.#wanted = true
    else void this.#readAll()
  }

  #take(message: ServerMessage) {
    if (message.type === 'job') this.#put(message.job as Job, true)
    else if (message.type === 'job_gone') this.#members.delete(message.job_id)
    // At every (re)connect, and when the server had to skip: what happened before is only in the list itself.
    else if (message.type === 'subscribed' || message.type === 'resync') return this.read()
    else if (message.type === 'error') this.#publish({ error: new Error(message.message) })
    else return
    this.#later()
  }

  #put(job: Job, live: boolean) {
    this.#members.set(job.id, job)
    if (live && this.#reading) this.#fresh.set(job.id, performance.now())
  }

  async #readAll() {
    this.#reading = true
    const begun = performance.now()
    this.#fresh.clear()
    try {
      const seen = new Set<string>()
      if (!this.#snapshot.complete) await this.#readInto(true, undefined, seen)
      let cursor: string | undefined
      do cursor = (await this.#readInto(false, cursor, seen)) ?? undefined
      while (cursor !== undefined && this.#stop !== null)
      if (this.#stop === null) return
      for (const id of this.#members.keys()) if (!seen.has(id) && !this.#fresh.has(id)) this.#members.delete(id)
      this.#publish({ complete: true, error: null })
    } catch (error) {
      this.#publish({ error })
    } finally {
      this.#reading = false
      if (this.#wanted) this.#readLater((performance.now() - begun) * 4)
    }
  }

  #readLater(pause: number) {
    this.#wanted = false
    clearTimeout(this.#again)
    this.#again = setTimeout(this.read, Math.max(leastPause, pause))
  }

  async #readInto(failedOnly: boolean, cursor: string | undefined, seen: Set<string>): Promise<string | null> {
    const asked = performance.now()
    const page = await this.#options.readPage(cursor, failedOnly)
    for (const job of page.jobs) {
      seen.add(job.id)
      if ((this.#fresh.get(job.id) ?? 0) < asked) this.#put(job, false)
    }
    this.#later()
    return page.next_cursor
  }

  #later() {
    if (this.#stop === null) return
    this.#timer ??= setTimeout(() => this.#publish({}), this.#options.gatherMs)
  }

  #publish(part: Partial<MemberSnapshot>) {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#snapshot = { ...this.#snapshot, members: inOrder(this.#members), ...part }
    for (const watcher of this.#watchers) watcher()
  }
}

/** Each has its place, so ten thousand need no sorting. */
function inOrder(members: ReadonlyMap<string, Job>): Job[] {
  const places: Job[] = []
  for (const job of members.values()) places[job.batch_index ?? 0] = job
  return places.filter((job) => job !== undefined)
}
