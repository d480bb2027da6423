/** What kind of container an attempt needs: two with the same shape can have each other's. */
import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import type { Limits } from '../../job/spec.ts'
import type { DriversConfig } from '../driver/driver.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import type { EngineAbout } from './engine.ts'
import type { ImageFound } from './images.ts'
import type { MountPlan } from './mounts.ts'
import { ownMounts } from './mounts.ts'
import type { Place } from './place.ts'
import { ownProcesses, wrapperScript } from './wrapper.ts'

export interface Shape {
  image: ImageFound
  user: string
  readOnlyRoot: boolean
  network: string
  cpu: number | undefined
  memoryBytes: number | undefined
  pids: number | undefined
  diskBytes: number
  ulimits: Record<string, number>
  library: string | undefined
  mounts: Docker.MountSettings[]
  podman: boolean
}

export interface ShapePlan {
  shape: Shape
  unenforced: string[]
}

const nobody = '65534:65534'

export function planShape(
  order: AttemptOrder,
  image: ImageFound,
  { mounts, workingDir }: Pick<MountPlan, 'mounts' | 'workingDir'>,
  about: EngineAbout,
  config: DriversConfig,
): ShapePlan {
  const { limits, spec } = order
  const unenforced: string[] = []
  const notHeld = (name: keyof Limits, why: string): undefined => {
    if (order.named.includes(name)) {
      throw new StartRefused('refused', `the limit ${name} cannot be enforced on this runner: ${why}`)
    }
    unenforced.push(name)
  }
  const byEngine = (name: keyof Limits, holds: boolean, value: number): number | undefined =>
    holds ? value : notHeld(name, `its container engine cannot hold it (no such cgroup controller)`)
  const readOnlyRoot = spec.container?.read_only_root ?? true
  if (!readOnlyRoot) notHeld('disk_bytes', 'with container.read_only_root false the image’s own files can grow')
  if (limits.io_bytes_per_second !== undefined) {
    notHeld('io_bytes_per_second', 'containers have no limit for input and output here')
  }
  const shape: Shape = {
    image,
    user: spec.container?.user ?? (workingDir ? `${workingDir.uid}:${workingDir.gid}` : nobody),
    readOnlyRoot,
    network: networkOf(order, config),
    cpu: byEngine('cpu', about.holds.cpu, limits.cpu),
    memoryBytes: byEngine('memory_bytes', about.holds.memory, limits.memory_bytes),
    pids: byEngine('pids', about.holds.pids, limits.pids),
    diskBytes: limits.disk_bytes,
    ulimits: ulimitsOf(order, config.container!.ulimits),
    library: order.helpersLibrary,
    mounts,
    podman: about.podman,
  }
  return { shape, unenforced }
}

/** Never more than the administrator gives every container. */
function ulimitsOf({ limits, named }: AttemptOrder, all: Record<string, number>): Record<string, number> {
  const most = all.nofile ?? Infinity
  if (limits.open_files > most && named.includes('open_files')) {
    throw new StartRefused(
      'refused',
      `the limit open_files cannot be enforced on this runner: its containers may open at most ${most} files (setting RUNYARD_CONTAINER_ULIMITS)`,
    )
  }
  return { ...all, nofile: Math.min(limits.open_files, most) }
}

function networkOf({ spec }: AttemptOrder, { container }: DriversConfig): string {
  const named = spec.container?.network
  if (named === undefined) {
    if (spec.network === 'host') throw new StartRefused('refused', 'the host’s network is never given to a container')
    return 'none'
  }
  if (named === 'none') return named
  if (!container!.networks.includes(named) || ['host', 'container', 'ns', 'private'].includes(named)) {
    throw new StartRefused(
      'refused',
      `network ${named} is not allowed on this runner (setting RUNYARD_CONTAINER_NETWORKS)`,
    )
  }
  return named
}

/** Undefined: none that was made ahead would do. */
export function warmKey(shape: Shape): string | undefined {
  if (shape.mounts.length > 0 || shape.network !== 'none') return undefined
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)
}

export const defaultEnv = { HOME: '/job', TMPDIR: '/tmp', USER: 'job', LOGNAME: 'job', SHELL: '/bin/sh' }
export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface Made {
  name: string
  labels: Record<string, string>
  place: Place
  /** Of one without our own first process: all that it gets. */
  direct?: { command: string[]; env: Record<string, string>; workingDir: string; init: boolean }
}

/** Nothing is left to the image: its entrypoint, its user, its volumes, its health check. */
export function createBody(shape: Shape, { name, labels, place, direct }: Made): Docker.ContainerCreateOptions {
  const tmpfs = `rw,exec,nosuid,nodev,mode=1777,size=${shape.diskBytes}`
  const sized = ['/job', '/tmp', '/var/tmp', ...shape.image.volumes]
  const [program = '', ...rest] = direct?.command ?? []
  return {
    name,
    Image: shape.image.id,
    Entrypoint: direct ? [program] : ['/bin/sh', '-c', wrapperScript],
    Cmd: rest,
    User: shape.user,
    WorkingDir: direct?.workingDir ?? '/job',
    Env: Object.entries(direct?.env ?? {}).map(([key, value]) => `${key}=${value}`),
    Hostname: 'job',
    Labels: labels,
    OpenStdin: !direct,
    StdinOnce: !direct,
    AttachStdin: !direct,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: shape.network,
      Memory: shape.memoryBytes,
      // No swap: the limit is the limit.
      MemorySwap: shape.memoryBytes,
      NanoCpus: shape.cpu === undefined ? undefined : Math.round(shape.cpu * 1e9),
      PidsLimit: shape.pids === undefined ? undefined : shape.pids + (direct ? 0 : ownProcesses),
      ReadonlyRootfs: shape.readOnlyRoot,
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      // Missing in the types.
      ...{ CgroupnsMode: 'private' },
      ShmSize: shape.diskBytes,
      Tmpfs: Object.fromEntries(sized.filter((path) => !isTaken(shape, path)).map((path) => [path, tmpfs])),
      Mounts: [...ownMounts(place, shape.library), ...shape.mounts],
      Ulimits: Object.entries(shape.ulimits).map(([Name, value]) => ({ Name, Soft: value, Hard: value })),
      // What the driver has not taken when it is killed is read from there: binary safe in both.
      LogConfig: shape.podman
        ? { Type: 'k8s-file', Config: { 'max-size': engineLogBytes } }
        : { Type: 'local', Config: { compress: 'false' } },
      RestartPolicy: { Name: 'no' },
      ...(direct?.init && { Init: true }),
    },
  }
}

/**
 * What a flood of output may cost the engine's disk (it wrote 1.6 GB in 15 s). Podman begins the file anew then, so only a
 * driver process that is killed behind more than this has lost the beginning; a line of a few bytes costs 40 more there.
 */
const engineLogBytes = '1073741824'

const isTaken = ({ mounts }: Shape, path: string): boolean => mounts.some(({ Target }) => Target === path)
