/** One shape for every background loop: tests call `runOnce`, the composition root starts and stops it. */
export interface Service {
  name: string
  /** Pause between the end of one run and the start of the next, in milliseconds, ±10 % jitter. */
  every: number
  /** May answer another pause, to be kept as it is: one that knows when there is work again need not look in vain. */
  runOnce(): Promise<number | void>
}

export interface RunningService {
  /** Wakes a sleeping loop, at once or within that time. */
  wake(withinMs?: number): void
  /** Resolves when the run in progress has ended; no further run starts. */
  stop(): Promise<void>
}

/** Starts a loop. A failed run is reported and tried again at the next turn; it never ends the loop. */
export function startService(service: Service, onError: (name: string, error: unknown) => void): RunningService {
  let stopped = false
  /** Asked for while a run was on its way, which may have looked too early. */
  let soonerMs: number | undefined
  const remember = (withinMs: number): void => void (soonerMs = Math.min(withinMs, soonerMs ?? withinMs))
  let wakeUp = remember
  const loop = (async () => {
    while (!stopped) {
      soonerMs = undefined
      let pause: number | void = undefined
      try {
        pause = await service.runOnce()
      } catch (error) {
        onError(service.name, error)
      }
      if (stopped) break
      pause ??= service.every * (0.9 + Math.random() * 0.2)
      await asleep(Math.min(pause, soonerMs ?? pause), (wake) => (wakeUp = wake))
      wakeUp = remember
    }
  })()
  return {
    wake: (withinMs = 0) => wakeUp(withinMs),
    async stop() {
      stopped = true
      wakeUp(0)
      await loop
    },
  }
}

function asleep(ms: number, onSleep: (wake: (withinMs: number) => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let wakesAt = performance.now() + ms
    let timer = setTimeout(resolve, ms)
    onSleep((withinMs) => {
      const sooner = performance.now() + withinMs
      if (sooner >= wakesAt) return
      clearTimeout(timer)
      wakesAt = sooner
      timer = setTimeout(resolve, withinMs)
    })
  })
}
