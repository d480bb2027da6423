/** What this cluster is and holds, by its own configuration; asked again after a minute. */
import { runCommand, mustRun, type SlurmUser } from './commands.ts'

export interface ClusterFacts {
  version: string
  partitions: string[]
  /** By what, or null: only asked for, not held. */
  memoryHeldBy: string | null
  cpuHeldBy: string | null
  /** slurmdbd keeps what has ended. */
  accounting: boolean
  /** Text file of ended jobs, where Slurm writes one. */
  jobcomp: string | null
}

export function factsIn(config: string, partitions: string[]): ClusterFacts {
  const values = new Map<string, string>()
  for (const line of config.split('\n')) {
    const found = /^(\w+)\s*=\s*(.*?)\s*$/.exec(line)
    if (found) values.set(found[1]!.toLowerCase(), found[2]!)
  }
  const is = (name: string, words: RegExp): boolean => words.test(values.get(name.toLowerCase()) ?? '')
  const byCgroup = is('TaskPlugin', /\bcgroup\b/)
  return {
    version: values.get('slurm_version') ?? 'unknown',
    partitions,
    memoryHeldBy:
      byCgroup && is('ConstrainRAMSpace', /^yes/i)
        ? 'cgroup'
        : is('JobAcctGatherParams', /OverMemoryKill/i)
          ? 'OverMemoryKill'
          : null,
    cpuHeldBy: (byCgroup && is('ConstrainCores', /^yes/i)) || is('TaskPlugin', /affinity/) ? 'its cores' : null,
    accounting: is('AccountingStorageType', /slurmdbd/),
    jobcomp: is('JobCompType', /filetxt/) ? (values.get('jobcomploc') ?? null) : null,
  }
}

const freshMs = 60_000

export function createFacts(user: SlurmUser): { get(): Promise<ClusterFacts>; last(): ClusterFacts | null } {
  let asked = -Infinity
  let asking: Promise<ClusterFacts> | null = null
  let last: ClusterFacts | null = null
  const ask = async (): Promise<ClusterFacts> => {
    const config = await mustRun(user, 'scontrol', ['show', 'config'])
    const { stdout } = await runCommand(user, 'sinfo', ['--noheader', '--format=%R'])
    last = factsIn(config, [...new Set(stdout.split('\n').map((name) => name.trim()))].filter(Boolean))
    return last
  }
  return {
    last: () => last,
    get() {
      if (asking === null || performance.now() - asked > freshMs) {
        asked = performance.now()
        asking = ask()
        asking.catch(() => (asking = null))
      }
      return asking
    },
  }
}
