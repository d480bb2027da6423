/** Milliseconds on the host's monotonic clock; unlike `performance.now()` the same in every thread. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
