/** One shape for every background loop: tests call `runOnce`, the composition root starts and stops it. */
export interface Service {
  name: string
  /** Pause between the end of one run and the start of the next, in milliseconds, ±10 % jitter. */
  every: number
  runOnce(): Promise<void>
}

export interface RunningService {
  /** Wakes a sleeping loop at once. */
  wake(): void
  /** Resolves when the run in progress has ended; no further run starts. */
  stop(): Promise<void>
}

/** Starts a loop. A failed run is reported and tried again at the next turn; it never ends the loop. */
export function startService(service: Service, onError: (name: string, error: unknown) => void): RunningService {
  let stopped = false
  let wakeUp: () => void = () => {}
  const loop = (async () => {
    while (!stopped) {
      try {
        await service.runOnce()
      } catch (error) {
        onError(service.name, error)
      }
      if (stopped) break
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, service.every * (0.9 + Math.random() * 0.2))
        wakeUp = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  })()
  return {
    wake: () => wakeUp(),
    async stop() {
      stopped = true
      wakeUp()
      await loop
    },
  }
}
