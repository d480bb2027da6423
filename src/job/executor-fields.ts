/** Which fields of a job belong to which executor: a field that would have no effect is an error, never ignored. */
import type { JobSpec } from './spec.ts'

interface Problem {
  path: (string | number)[]
  message: string
}

type Named = Partial<
  Pick<
    JobSpec,
    'container' | 'hosts' | 'hosts_success' | 'hosts_at_once' | 'slurm' | 'kubernetes' | 'egress' | 'binds' | 'inputs'
  >
> &
  Pick<JobSpec, 'executor' | 'network' | 'isolation'>

const of = {
  container: ['container', 'kubernetes'],
  hosts: ['ssh'],
  hosts_success: ['ssh'],
  hosts_at_once: ['ssh'],
  slurm: ['slurm'],
  kubernetes: ['kubernetes'],
  /** A host or a cluster has its own network and its own files. */
  egress: ['sandbox', 'container'],
  binds: ['sandbox', 'container'],
  inputs: ['sandbox', 'container'],
} as const satisfies Partial<Record<keyof Named, readonly JobSpec['executor'][]>>

export function executorProblems(spec: Named): Problem[] {
  const { executor, network } = spec
  const problems: Problem[] = []
  for (const [field, kinds] of Object.entries(of) as [keyof typeof of, readonly string[]][]) {
    if (spec[field] === undefined || kinds.includes(executor)) continue
    problems.push({
      path: [field],
      message: `is of the executor ${kinds.join(' or ')}, and this one is ${executor}: set executor`,
    })
  }
  if (executor === 'ssh' && spec.hosts === undefined)
    problems.push({ path: ['hosts'], message: 'is needed by the executor ssh' })
  if (executor === 'kubernetes' && spec.container?.image === undefined)
    problems.push({ path: ['container', 'image'], message: 'is needed by the executor kubernetes' })
  for (const field of ['network', 'volumes'] as const) {
    if (executor !== 'kubernetes' || spec.container?.[field] === undefined) continue
    problems.push({ path: ['container', field], message: 'is of an engine; kubernetes has none' })
  }
  if (executor === 'container' && spec.container?.image === undefined)
    problems.push({
      path: ['container', 'image'],
      message: 'is needed by the executor container; see runyard image ls',
    })
  if (network === 'egress' && spec.egress === undefined)
    problems.push({ path: ['egress'], message: 'must list where it may connect to when network is egress' })
  if (network !== 'egress' && spec.egress !== undefined)
    problems.push({ path: ['egress'], message: 'needs network egress' })
  if (executor === 'container' && network === 'host')
    problems.push({
      path: ['network'],
      message: 'of the host is never given to a container; use egress, or container.network',
    })
  if (executor === 'container' && spec.container?.network !== undefined && network !== 'none')
    problems.push({ path: ['container', 'network'], message: `contradicts network ${network}` })
  if (executor !== 'sandbox' && spec.isolation === 'none')
    problems.push({ path: ['isolation'], message: 'none is of the executor sandbox' })
  if (network === 'egress' && spec.isolation === 'none')
    problems.push({ path: ['network'], message: 'egress needs isolation full' })
  return problems
}
