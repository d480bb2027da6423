import { expect } from 'vitest'

/** Polls, with the patience that a busy machine of two cores needs. */
export const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 15_000, interval: 10 })
