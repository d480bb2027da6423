/** A job's words for Slurm, and what of its limits the cluster holds. */
import type { Limits } from '../../job/spec.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { Place } from './place.ts'

const MiB = 1024 * 1024

export interface Plan {
  args: string[]
  openFiles: number | undefined
  unenforced: string[]
}

/** Throws StartRefused for what was named and cannot be held, and for a partition that is not allowed. */
export function planFor(order: AttemptOrder, facts: ClusterFacts, allowed: readonly string[]): Plan {
  const { limits, named, spec } = order
  const unenforced: string[] = []
  const hold = (limit: keyof Limits, held: boolean, why: string): void => {
    if (held || limits[limit] === undefined) return
    if (!named.includes(limit)) unenforced.push(limit)
    else throw new StartRefused('refused', `limits.${limit} cannot be held by this Slurm: ${why}`)
  }
  const cores = Math.max(1, Math.ceil(limits.cpu))
  hold('cpu', cores === limits.cpu && facts.cpuHeldBy !== null, cpuWhy(limits.cpu, facts))
  const memory = facts.memoryHeldBy !== null
  hold('memory_bytes', memory, 'it has neither ConstrainRAMSpace nor OverMemoryKill; ask its administrator')
  hold('pids', false, 'it counts no processes; leave the limit out')
  hold('disk_bytes', false, 'the directory of a job is on a shared disk; leave the limit out')
  hold('io_bytes_per_second', false, 'it limits no disk traffic; leave the limit out')
  const { partition, account, qos, constraint, nodes, tasks } = spec.slurm ?? {}
  if (partition !== undefined && allowed.length > 0 && !allowed.includes(partition)) {
    const list = allowed.join(', ')
    throw new StartRefused(
      'refused',
      `slurm.partition ${partition} is not allowed here (${list}; RUNYARD_SLURM_PARTITIONS)`,
    )
  }
  const chosen = partition ?? allowed[0]
  const option = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`--${name}=${value}`]
  return {
    unenforced,
    openFiles: limits.open_files,
    args: [
      ...[`--cpus-per-task=${cores}`, `--mem=${Math.ceil(limits.memory_bytes / MiB)}M`],
      // A backstop in whole minutes; the exact wall time is held from here.
      `--time=${Math.ceil((order.timeoutMs + order.stopGraceMs) / 60_000) + 2}`,
      ...option('partition', chosen),
      ...option('account', account),
      ...option('qos', qos),
      ...option('constraint', constraint),
      ...option('nodes', nodes),
      ...option('ntasks', tasks),
    ],
  }
}

const cpuWhy = (cpu: number, { cpuHeldBy }: ClusterFacts): string =>
  cpuHeldBy === null
    ? 'it does not bind jobs to their cores (TaskPlugin); ask its administrator'
    : `it gives whole cores, and ${cpu} is none`

export const nameFor = (tag: string, key: string): string => `runyard-${tag}-${key}`

/** `--export=ALL` of an environment that has nothing in it: with NONE the node would ask a login shell for one. */
export const submitArgs = (plan: Plan, name: string, { dir, file }: Place): string[] => [
  ...['--parsable', '--export=ALL', '--no-requeue', '--chdir=/', '--open-mode=append', '--input=/dev/null'],
  ...[`--job-name=${name}`, `--comment=${name}`],
  ...[`--output=${escaped(file('engine'))}`, `--error=${escaped(file('engine'))}`],
  ...plan.args,
  file('job.sh'),
  dir,
]

/** Slurm fills in what follows a %. */
const escaped = (path: string): string => path.replaceAll('%', '%%')
