import { lazy } from 'react'

const parts = new Set<() => Promise<unknown>>()

/** A component in a file of its own; `loadParts` fetches it before it is asked for. */
export const lazyPart: typeof lazy = (load) => {
  parts.add(load)
  return lazy(load)
}

/**
 * Fetches one after the other what is not there yet, so that nothing has to be fetched when the server is out of reach.
 * What fails is tried again when it is wanted.
 */
export async function loadParts(first: readonly (() => Promise<unknown> | undefined)[]): Promise<void> {
  for (const load of first) await Promise.resolve(load()).catch(() => undefined)
  for (const load of parts) {
    parts.delete(load)
    await load().catch(() => undefined)
  }
}
