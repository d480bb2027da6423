/** What the administrator allows a container beside its image: networks and volumes of the engine. Pure. */
import path from 'node:path'
import type { ContainerSpec } from '../job/container.ts'
import type { FieldProblem } from '../lib/app-error.ts'

export interface ContainerPolicy {
  containerNetworks: readonly string[]
  /** `name` or `name:rw`. */
  containerVolumes: readonly string[]
}

/** Ours, or the kernel's: nothing of a job lies over them. */
const taken = ['/', '/proc', '/sys', '/dev', '/runyard', '/job', '/artifacts', '/inputs']

export function containerProblems(
  { network, volumes = [] }: ContainerSpec,
  { containerNetworks, containerVolumes }: ContainerPolicy,
): FieldProblem[] {
  const problems: FieldProblem[] = []
  // Also when somebody wrote it into the list: it would be the network of the host.
  if (network === 'host') {
    problems.push({ field: 'container.network', message: 'of the host is never given to a container' })
  } else if (network !== undefined && network !== 'none' && !containerNetworks.includes(network)) {
    problems.push({ field: 'container.network', message: notListed('network', containerNetworks, 'NETWORKS=bridge') })
  }
  const writable = containerVolumes.flatMap((entry) => (entry.endsWith(':rw') ? [entry.slice(0, -3)] : []))
  const readable = containerVolumes.map((entry) => entry.replace(/:r[ow]$/, ''))
  volumes.forEach((volume, i) => {
    const at = `container.volumes[${i}]`
    const target = path.posix.normalize(volume.path).replace(/(?<=.)\/+$/, '')
    if (!readable.includes(volume.name)) {
      problems.push({ field: `${at}.name`, message: notListed('volume', readable, `VOLUMES=${volume.name}`) })
    } else if (volume.mode === 'rw' && !writable.includes(volume.name)) {
      const message = `is read-only here; an administrator can set RUNYARD_CONTAINER_VOLUMES=${volume.name}:rw`
      problems.push({ field: `${at}.mode`, message })
    }
    if (taken.some((one) => target === one || (one !== '/' && target.startsWith(`${one}/`)))) {
      problems.push({ field: `${at}.path`, message: 'is a place of the system or of Runyard: mount it elsewhere' })
    } else if (
      volumes.findIndex((other) => path.posix.normalize(other.path).replace(/(?<=.)\/+$/, '') === target) < i
    ) {
      problems.push({ field: `${at}.path`, message: 'is the path of another volume' })
    }
  })
  return problems
}

const notListed = (what: string, listed: readonly string[], setting: string): string =>
  listed.length === 0
    ? `no ${what} may be named here; an administrator can set RUNYARD_CONTAINER_${setting}`
    : `must be one of: ${listed.join(', ')}; an administrator can add to RUNYARD_CONTAINER_${setting.split('=')[0]}`
