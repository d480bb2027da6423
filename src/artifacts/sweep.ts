/** Removes the bytes of artefacts whose job is gone, and of uploads that never got a row. */
import type { Db } from '../db/pool.ts'
import { emitFact } from '../lib/facts.ts'
import type { Service } from '../lib/service.ts'
import { forgetArtifacts, knownBlobs, removableArtifacts } from './artifact-rows.ts'
import type { ArtifactStore } from './artifact-store.ts'

export interface SweepParts {
  db: Db
  /** Of this server in the database. */
  server: string
  local: ArtifactStore
  shared: ArtifactStore | null
}

const atOnce = 200
const everyMs = 5_000
const strayEveryMs = 3600_000
/** An upload takes its time; one that is older was cut off. */
const strayAfterMs = 24 * 3600_000

export function artifactRemover({ db, server, local, shared }: SweepParts): Service {
  return {
    name: 'artifacts.remove',
    every: everyMs,
    async runOnce() {
      const gone = await removableArtifacts(db, { server, shared: shared !== null, limit: atOnce })
      for (const { blob, shared: inShared } of gone) await (inShared ? shared : local)?.remove(blob)
      await forgetArtifacts(
        db,
        gone.map(({ id }) => id),
      )
      if (gone.length > 0) emitFact({ name: 'artifacts.removed', level: 'debug', count: gone.length })
      return gone.length === atOnce ? 0 : undefined
    },
  }
}

/** `now`: for tests. */
export function strayRemover({ db, local, shared }: SweepParts, now: () => number = Date.now): Service {
  const sweep = async (store: ArtifactStore): Promise<number> => {
    let strays = 0
    let old: string[] = []
    const look = async (): Promise<void> => {
      const known = await knownBlobs(db, old)
      for (const blob of old.filter((one) => !known.has(one))) {
        await store.remove(blob)
        strays += 1
      }
      old = []
    }
    for await (const { blob, at } of store.list()) {
      // Also one whose name says no time is not ours to remove.
      if (now() - at.getTime() > strayAfterMs && old.push(blob) >= atOnce) await look()
    }
    await look()
    return strays
  }
  return {
    name: 'artifacts.strays',
    every: strayEveryMs,
    async runOnce() {
      let strays = 0
      for (const store of shared ? [local, shared] : [local]) strays += await sweep(store)
      if (strays > 0) emitFact({ name: 'artifacts.strays_removed', count: strays })
    },
  }
}
