/** Notices of runs: the key of one that changed, or `gone key publicId ownerId`. A hint, as all notices. */
import type { Queryable } from '../db/pool.ts'

export const runsChannel = 'runyard_runs'

export interface GoneRun {
  key: string
  publicId: string
  ownerId: string
}

export type RunNotice = { changed: string } | { gone: GoneRun }

export function parseRunNotice(payload: string): RunNotice {
  const [word, key, publicId, ownerId] = payload.split(' ')
  return word === 'gone' ? { gone: { key: key!, publicId: publicId!, ownerId: ownerId! } } : { changed: payload }
}

/** Its jobs tell of themselves (the trigger on `jobs`); this tells of its own row. */
export const tellRun = (tx: Queryable, key: string): Promise<unknown> =>
  tx.query({ name: 'queue_tell_run', text: `select pg_notify('${runsChannel}', $1)`, values: [key] })

export const tellRunGone = (tx: Queryable, { key, publicId, ownerId }: GoneRun): Promise<unknown> =>
  tellRun(tx, `gone ${key} ${publicId} ${ownerId}`)
