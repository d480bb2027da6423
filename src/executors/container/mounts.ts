/** What a container sees of this host: only what its administrator allows, asked here whatever the server says (S6). */
import { realpath } from 'node:fs/promises'
import type Docker from 'dockerode'
import { helperPlaces, helpersPlace } from '../../job/helper-places.ts'
import type { DriversConfig } from '../driver/driver.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import { checkBinds, checkWorkingDir, isUnder, type AllowedPath } from '../sandbox/policy.ts'
import { checkInputs } from '../shares/check.ts'
import { isGone, isMissing, unreachable, wordsOf, type Engine } from './engine.ts'
import type { Place } from './place.ts'
import { ownPlace } from './wrapper.ts'

export interface MountPlan {
  mounts: Docker.MountSettings[]
  /** Of this host, to be found at their paths inside as exactly these. */
  shown: AllowedPath[]
  workingDir: AllowedPath | null
}

/** Where a mount would hide what is ours, or what the engine makes. */
const neverThere = ['/', '/proc', '/sys', '/dev', ownPlace, helpersPlace]

export async function planMounts(order: AttemptOrder, engine: Engine, config: DriversConfig): Promise<MountPlan> {
  const { spec } = order
  const workingDir =
    spec.working_dir === undefined ? null : await checkWorkingDir(spec.working_dir, spec, config.policy)
  const binds = await checkBinds(spec, config.policy)
  const inputs = await checkInputs(spec.inputs ?? [], config.policy.sharedInputs ?? { runner: '', dirs: {} })
  const shown = [...(workingDir ? [{ ...workingDir, mode: 'rw' as const }] : []), ...binds, ...inputs]
  const socket = await realpath(engine.socket).catch(() => engine.socket)
  for (const { path, real } of shown) {
    if (isUnder(socket, real)) throw refused(`${path} holds the socket of the container engine, which no job may reach`)
    if (isReserved(path)) throw refused(`${path} can never be bound into a container`)
  }
  const volumes = await Promise.all((spec.container?.volumes ?? []).map((volume) => volumeOf(volume, engine, config)))
  const mounts: Docker.MountSettings[] = shown.map(({ path, real, mode }) => bind(real, path, mode === 'ro'))
  if (order.artifactsDir !== undefined) mounts.push(bind(order.artifactsDir, '/artifacts', true))
  return { mounts: [...mounts, ...volumes], shown, workingDir }
}

async function volumeOf(
  { name, path, mode }: { name: string; path: string; mode: 'ro' | 'rw' },
  { docker, socket }: Engine,
  { container }: DriversConfig,
): Promise<Docker.MountSettings> {
  const allowed = container!.volumes.some((entry) => entry === `${name}:rw` || (entry === name && mode === 'ro'))
  if (!allowed) {
    throw refused(`volume ${name} (${mode}) is not allowed on this runner (setting RUNYARD_CONTAINER_VOLUMES)`)
  }
  if (isReserved(path)) throw refused(`no volume can be mounted at ${path}`)
  try {
    await docker.getVolume(name).inspect()
  } catch (error) {
    if (isMissing(error)) throw refused(`volume ${name} does not exist here; make it on the runner's host`)
    throw isGone(error)
      ? unreachable(socket, error)
      : new StartRefused('infrastructure', `volume ${name} cannot be looked up: ${wordsOf(error)}`)
  }
  return { Type: 'volume', Source: name, Target: path, ReadOnly: mode === 'ro' }
}

function isReserved(path: string): boolean {
  const clean = path.replaceAll(/\/+/g, '/').replace(/\/$/, '') || '/'
  return clean === '/' || neverThere.some((never) => never !== '/' && isUnder(clean, never))
}

/** Of every container. */
export const ownMounts = (place: Place, library: string | undefined): Docker.MountSettings[] => [
  bind(place.see, ownPlace, true),
  bind(place.helpers, helpersPlace, true),
  ...(library === undefined ? [] : [bind(library, helperPlaces.library, true)]),
]

const bind = (source: string, target: string, readOnly: boolean): Docker.MountSettings => ({
  Type: 'bind',
  Source: source,
  Target: target,
  ReadOnly: readOnly,
  BindOptions: { Propagation: 'rprivate' },
})

const refused = (message: string): StartRefused => new StartRefused('refused', message)
