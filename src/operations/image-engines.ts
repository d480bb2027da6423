/** What runners report of their container engines: which images they have, and how many containers wait. Pure. */
import * as z from 'zod'
import { fullReference, partsOf } from '../job/image-reference.ts'
import type { RunnerRow } from '../queue/runners.ts'

export interface WarmCounts {
  waiting: number
  used: number
  hits: number
  misses: number
}

export interface SeenEngine {
  runner: string
  engine: string | null
  version: string | null
  problem: string | null
  /** Full references, by tag and by digest; null: it has not said. */
  images: ReadonlySet<string> | null
  /** Full reference by tag → digests under which it is known. */
  digests: ReadonlyMap<string, readonly string[]>
  warm: ReadonlyMap<string, WarmCounts>
}

const count = z.int().min(0).catch(0)
/** A runner may be older or newer than this server. */
const reported = z.object({
  elsewhere: z.object({
    container: z.object({
      engine: z.string().nullable().catch(null).default(null),
      version: z.string().nullable().catch(null).default(null),
      problem: z.string().nullable().catch(null).default(null),
      images: z.array(z.string()).nullable().catch(null).default(null),
      warm: z
        .array(z.object({ image: z.string(), waiting: count, used: count, hits: count, misses: count }))
        .catch([])
        .default([]),
    }),
  }),
})

/** Of runners that are online and have one, or should have. */
export function enginesOf(runners: readonly Pick<RunnerRow, 'name' | 'state' | 'facilities'>[]): SeenEngine[] {
  return runners.flatMap(({ name, state, facilities }) => {
    const found = reported.safeParse(facilities)
    if (state === 'offline' || !found.success) return []
    const { engine, version, problem, images, warm } = found.data.elsewhere.container
    const listed = (images ?? []).map(partsOf)
    const byTag = listed.filter(({ tag }) => tag !== null)
    return {
      ...{ runner: name, engine: engine || null, version: version || null, problem },
      images:
        images &&
        new Set(
          listed.flatMap(({ repository, tag, digest }) => [
            ...(digest === null ? [] : [`${repository}@${digest}`]),
            ...(tag === null && digest !== null ? [] : [`${repository}:${tag ?? 'latest'}`]),
          ]),
        ),
      digests: new Map(
        [...Map.groupBy(byTag, ({ repository, tag }) => `${repository}:${tag}`)].map(([reference, all]) => [
          reference,
          all.flatMap(({ digest }) => digest ?? []),
        ]),
      ),
      warm: new Map(warm.map(({ image, ...counts }) => [fullReference(image), counts])),
    }
  })
}
