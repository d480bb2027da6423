/** One clock for the fsyncs of all record files: at most this long are bytes only in memory, however many jobs run. */
export interface SyncGroup {
  /** Calls `sync` within the interval, once however often it is asked. */
  ask(sync: () => Promise<void>): void
  forget(sync: () => Promise<void>): void
}

export function createSyncGroup(everyMs = 100): SyncGroup {
  const asked = new Set<() => Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  const run = async (): Promise<void> => {
    // One after the other: four threads serve all of Node's file calls, and writes must not queue behind fsyncs.
    for (const sync of asked) {
      asked.delete(sync)
      await sync()
    }
    timer = undefined
    if (asked.size > 0) arm()
  }
  const arm = (): void => {
    timer ??= setTimeout(() => void run(), everyMs)
  }
  return {
    ask(sync) {
      asked.add(sync)
      arm()
    },
    forget: (sync) => void asked.delete(sync),
  }
}
