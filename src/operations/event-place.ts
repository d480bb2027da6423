/**
 * Where a run of an event goes, decided when its job is made and fixed then: hosts → ssh; scripts that name nothing →
 * the administrator's default (RUNYARD_EVENT_EXECUTOR).
 */
import type { Role } from '../access/permissions.ts'
import type { Config } from '../config/config.ts'
import type { Queryable } from '../db/pool.ts'
import { imageOfLanguage } from '../images/image-store.ts'
import { isScriptKind, type EventDefinition, type ScriptKind } from '../job/event.ts'
import { labelList } from '../job/spec.ts'
import { chooseImage } from './choose-image.ts'

export interface RoutedBy {
  /** Of the one whose job it will be. */
  role: Role
  config: Pick<Config, 'eventExecutor' | 'containerImages'>
}

export interface ScriptPlace {
  executor: 'sandbox' | 'container'
  /** Name in the catalogue. */
  image: string | null
  why: string
}

/** Of a script that names neither executor nor image. `labels`: those that its runner must carry, as `k=v`. */
export async function placeOfScripts(
  db: Queryable,
  { role, config }: RoutedBy,
  language: ScriptKind,
  labels: readonly string[] = [],
): Promise<ScriptPlace> {
  const wanted = config.eventExecutor
  const sandbox = (why: string): ScriptPlace => ({ executor: 'sandbox', image: null, why })
  if (wanted === 'sandbox') return sandbox('RUNYARD_EVENT_EXECUTOR is sandbox')
  const row = await imageOfLanguage(db, language)
  const chosen = row && chooseImage(row.name, row, { role, allowed: config.containerImages })
  const image = chosen === null || 'refused' in chosen ? null : row!.name
  const noImage = `no image is the one of ${language}: runyard image set NAME REFERENCE --language ${language}`
  if (wanted === 'container') {
    return { executor: 'container', image, why: image === null ? noImage : 'RUNYARD_EVENT_EXECUTOR is container' }
  }
  if (image === null) return sandbox(noImage)
  if (!(await someEngine(db, labels))) return sandbox('no runner online has a container engine')
  return { executor: 'container', image, why: `${image} is the image of ${language}, and a runner has an engine` }
}

async function someEngine(db: Queryable, labels: readonly string[]): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>({
    name: 'event_place_engines',
    text: `select exists (select from runners
      where state = 'online' and 'container' = any(executors) and labels @> $1::text[]) as there`,
    values: [labels],
  })
  return rows[0]!.there
}

type JobPart = EventDefinition['job']

/** What the definition says by itself; undefined: nothing, so the administrator's default decides. */
export function executorNamed({ executor, ...job }: JobPart): JobPart['executor'] {
  if (executor !== undefined) return executor
  if (job.hosts !== undefined) return 'ssh'
  if (job.slurm !== undefined) return 'slurm'
  if (job.kubernetes !== undefined) return 'kubernetes'
  if (job.container !== undefined) return 'container'
  // Neither is to be had in a container.
  return job.isolation === 'none' || job.network === 'host' ? 'sandbox' : undefined
}

/** The same definition with its executor, and the image of its language where it needs one and names none. */
export async function routed(db: Queryable, by: RoutedBy, definition: EventDefinition): Promise<EventDefinition> {
  const { kind, job } = definition
  if (!isScriptKind(kind)) return definition
  const named = executorNamed(job)
  if (named !== undefined && (named !== 'container' || job.container?.image !== undefined)) {
    return { ...definition, job: { ...job, executor: named } }
  }
  const config = named === undefined ? by.config : { ...by.config, eventExecutor: 'container' }
  const place = await placeOfScripts(db, { ...by, config }, kind, labelList(job.required_labels))
  if (place.executor === 'sandbox') return { ...definition, job: { ...job, executor: 'sandbox' } }
  const container = { ...job.container, ...(place.image !== null && { image: place.image }) }
  return { ...definition, job: { ...job, executor: 'container', container } }
}
