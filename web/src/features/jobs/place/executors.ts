import type { Job } from '../../../lib/api.ts'
import type { JobPlace } from './job-place.ts'

export type ExecutorKind = NonNullable<JobPlace['executor']>

interface ExecutorWords {
  label: string
  /** One sentence for a tooltip. */
  meaning: string
}

/** What a job may name, the usual one first. */
export const executors: Record<ExecutorKind, ExecutorWords> = {
  sandbox: { label: 'Sandbox', meaning: "Shut in on the runner's machine" },
  container: { label: 'Container', meaning: 'In a container of an image, on the runner’s machine' },
  ssh: { label: 'Hosts', meaning: 'On one or more hosts over SSH' },
  slurm: { label: 'Slurm', meaning: 'Handed to a Slurm cluster' },
  kubernetes: { label: 'Kubernetes', meaning: 'As a Job of a Kubernetes cluster' },
}
export const executorKinds = Object.keys(executors) as ExecutorKind[]

/** What the installation itself sends besides. */
const others: Record<string, ExecutorWords> = {
  message: { label: 'Message', meaning: 'Sent to a channel' },
  http: { label: 'HTTP', meaning: 'A request, no command' },
}

/** A newer server may know one more. */
export const executorWords = (executor: string): ExecutorWords =>
  (Object.hasOwn(executors, executor) ? executors[executor as ExecutorKind] : others[executor]) ?? {
    label: executor,
    meaning: executor,
  }

type Placed = Pick<Job, 'executor' | 'container' | 'hosts' | 'slurm' | 'kubernetes'>

/** Which image, which hosts, which part of the cluster: in a few letters; null where there is nothing to name. */
export function placeText({ executor, container, hosts, slurm, kubernetes }: Placed): string | null {
  switch (executor) {
    case 'container':
      return container?.image === undefined ? null : imageText(container.image)
    case 'ssh':
      return hosts === undefined ? null : hostsText(hosts)
    case 'slurm':
      return slurm?.partition ?? null
    case 'kubernetes':
      return container?.image === undefined ? (kubernetes?.namespace ?? null) : imageText(container.image)
    default:
      return null
  }
}

/** Of `docker.io/library/python:3.12@sha256:…` what one looks for: `python:3.12`. */
export const imageText = (reference: string): string => reference.replace(/@sha256:.*$/, '').replace(/^.*\//, '')

export const hostsText = (hosts: readonly string[]): string =>
  hosts.length <= 2 ? hosts.join(', ') : `${hosts[0]} and ${hosts.length - 1} more`
