/** Notices of runs: the key of one that changed, or `gone key publicId ownerId kind`. A hint, as all notices. */
import type { Queryable } from '../db/pool.ts'

export const runsChannel = 'runyard_runs'

export type RunKind = 'batch' | 'pipeline'

export interface GoneRun {
  key: string
  kind: RunKind
  publicId: string
  ownerId: string
}

export type RunNotice = { changed: string } | { gone: GoneRun }

export function parseRunNotice(payload: string): RunNotice {
  const [word, key, publicId, ownerId, kind] = payload.split(' ')
  if (word !== 'gone') return { changed: payload }
  // A server before pipelines tells no kind.
  return { gone: { key: key!, publicId: publicId!, ownerId: ownerId!, kind: kind === 'pipeline' ? kind : 'batch' } }
}

/** Its jobs tell of themselves (the trigger on `jobs`); this tells of its own row. */
export const tellRun = (tx: Queryable, key: string): Promise<unknown> =>
  tx.query({ name: 'queue_tell_run', text: `select pg_notify('${runsChannel}', $1)`, values: [key] })

export const tellRunGone = (tx: Queryable, { key, publicId, ownerId, kind }: GoneRun): Promise<unknown> =>
  tellRun(tx, `gone ${key} ${publicId} ${ownerId} ${kind}`)
