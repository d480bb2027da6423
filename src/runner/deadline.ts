/** Runs `act` once `ms` have passed on the monotonic clock. Node fires a timer of 2^31 ms or more after 1 ms, and a
 * suspended host moves timers, so long waits are re-armed in hops of at most 30 s. */
export function after(ms: number, act: () => void): { cancel(): void } {
  const due = performance.now() + ms
  let timer: NodeJS.Timeout
  const arm = () => {
    const left = due - performance.now()
    timer = setTimeout(left <= 30_000 ? act : arm, Math.max(0, Math.min(left, 30_000)))
  }
  arm()
  return { cancel: () => clearTimeout(timer) }
}
