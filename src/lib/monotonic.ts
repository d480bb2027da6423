/** Milliseconds on the host's monotonic clock: the same in every thread and process, whatever becomes of the date. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
