/** Why a run is on its pipeline's waiting list, in words. */

export interface RunOnList {
  /** From 1. */
  position: number
  /** Of its pipeline. */
  runningNow: number
  concurrency: number
  /** End of its start delay. */
  notBefore: Date | null
}

export function explainRunWaiting({ position, runningNow, concurrency, notBefore }: RunOnList, now: Date): string {
  const left = notBefore === null ? 0 : notBefore.getTime() - now.getTime()
  if (left > 0) return `start delay, ${inWords(left)} left`
  const busy = `${runningNow} of ${concurrency} ${concurrency === 1 ? 'run is' : 'runs are'} running`
  if (position > 1) return `${busy}, ${position - 1} ${position === 2 ? 'waits' : 'wait'} before it`
  return runningNow < concurrency ? 'starts next' : busy
}

/** The two largest units that there are any of: `2 h 5 min`, `8 s`. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
