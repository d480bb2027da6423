/** Jobs whose `runyard run` was killed: nobody waits for them any more. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type JobState } from '../../job/state.ts'

/** What is needed of the API. */
export interface JobCalls {
  cancel(input: { id: string; reason?: string; force?: boolean }): Promise<unknown>
  get(input: { id: string }): Promise<{ state: JobState }>
}

const patienceMs = 5_000
const lookEveryMs = 100

export function createOrphans(patience = patienceMs) {
  let jobs: JobCalls | undefined
  const known = new Set<string>()
  const cancelling = new Set<Promise<unknown>>()
  const cancel = (id: string, force?: true): void => {
    const done = jobs?.cancel({ id, reason: 'its `runyard run` was killed', force }).catch(() => {})
    if (done === undefined) return
    cancelling.add(done)
    void done.finally(() => cancelling.delete(done))
  }
  /** One that cannot be asked about is not waited for. */
  const alive = async (): Promise<string[]> => {
    const found = await Promise.all(
      [...known].map(async (id) => {
        const job = await jobs?.get({ id }).catch(() => undefined)
        return job === undefined || isTerminal(job.state) ? [] : [id]
      }),
    )
    return found.flat()
  }
  return {
    add(id: string) {
      known.add(id)
      cancel(id)
    },
    begin(calls: JobCalls) {
      jobs = calls
      for (const id of known) cancel(id)
    },
    settled: () => Promise.all(cancelling),
    /** Each gets a while of its grace, then SIGKILL. Ends early when the caller is in a hurry. */
    async ended(hurried: () => boolean): Promise<void> {
      for (const force of [false, true]) {
        const left = await alive()
        if (force) for (const id of left) cancel(id, true)
        const giveUpAt = performance.now() + patience
        while (performance.now() < giveUpAt && !hurried() && (await alive()).length > 0) await sleep(lookEveryMs)
      }
    },
  }
}
