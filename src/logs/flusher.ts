/** Brings what changed to disk, all together, at most 100 ms after it came. */
export interface Flusher {
  add(key: string): void
  delete(key: string): void
  /** The last flush of this log went wrong. */
  failing(key: string): boolean
  /** Flushes what is left and stops. */
  close(): Promise<void>
}

/** As many fsyncs at once as libuv has threads, less one for everybody else. */
const atOnce = 3
const retryMs = 1000

export function createFlusher(options: {
  everyMs: number
  flush(key: string): Promise<void>
  /** Once for each log, until it works again. */
  failed(key: string, error: unknown): void
}): Flusher {
  const dirty = new Set<string>()
  const broken = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let closed = false

  const one = async (key: string): Promise<void> => {
    try {
      await options.flush(key)
      broken.delete(key)
    } catch (error) {
      if (!broken.has(key)) options.failed(key, error)
      broken.add(key)
      dirty.add(key)
    }
  }

  const all = async (): Promise<void> => {
    const keys = [...dirty]
    dirty.clear()
    const worker = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) await one(key)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }

  const schedule = (): void => {
    if (timer !== undefined || running !== undefined || dirty.size === 0 || closed) return
    const onlyBroken = [...dirty].every((key) => broken.has(key))
    timer = setTimeout(
      () => {
        timer = undefined
        running = all().finally(() => {
          running = undefined
          schedule()
        })
      },
      onlyBroken ? retryMs : options.everyMs,
    )
  }

  return {
    add(key) {
      dirty.add(key)
      schedule()
    },
    delete(key) {
      dirty.delete(key)
      broken.delete(key)
    },
    failing: (key) => broken.has(key),
    async close() {
      closed = true
      clearTimeout(timer)
      timer = undefined
      await running
      await all()
    },
  }
}
