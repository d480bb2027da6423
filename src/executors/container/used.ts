/** What a running container has used: from its cgroup where this host shows it, else as the engine says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Usage } from '../../job/outcome.ts'
import { cgroupMounts } from '../cgroup/mounts.ts'
import type { Engine } from './engine.ts'

export async function usageOf({ docker }: Engine, id: string, pid: number): Promise<Usage> {
  const here = pid > 0 ? ofCgroup(pid) : null
  if (here !== null) return here
  const stats = (await docker.getContainer(id).stats({ stream: false, 'one-shot': true })) as unknown as {
    cpu_stats?: { cpu_usage?: { total_usage?: number } }
    memory_stats?: { usage?: number; max_usage?: number }
  }
  const cpu = stats.cpu_stats?.cpu_usage?.total_usage
  const bytes = stats.memory_stats?.max_usage ?? stats.memory_stats?.usage
  return {
    ...(cpu ? { cpu_ms: Math.round(cpu / 1e6) } : {}),
    ...(bytes ? { memory_peak_bytes: bytes } : {}),
  }
}

function ofCgroup(pid: number): Usage | null {
  const { v1, v2 } = cgroupMounts()
  const paths = pathsOf(pid)
  const memory = v1.get('memory')
  const cpuacct = v1.get('cpuacct')
  const unified = paths.get('')
  const cpuNs = cpuacct
    ? numberIn(join(cpuacct, paths.get('cpuacct') ?? '-', 'cpuacct.usage'))
    : v2 && unified
      ? microsecondsIn(join(v2, unified, 'cpu.stat'))
      : null
  const peak = memory
    ? numberIn(join(memory, paths.get('memory') ?? '-', 'memory.max_usage_in_bytes'))
    : v2 && unified
      ? numberIn(join(v2, unified, 'memory.peak'))
      : null
  if (cpuNs === null && peak === null) return null
  return {
    ...(cpuNs === null ? {} : { cpu_ms: Math.round(cpuNs / 1e6) }),
    ...(peak === null ? {} : { memory_peak_bytes: peak }),
  }
}

/** By controller; the unified hierarchy under an empty name. */
function pathsOf(pid: number): Map<string, string> {
  const lines = read(`/proc/${pid}/cgroup`)?.split('\n') ?? []
  return new Map(
    lines.flatMap((line) => {
      const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return names.split(',').map((name) => [name, path] as const)
    }),
  )
}

function numberIn(path: string): number | null {
  const text = read(path)?.trim()
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null
}

function microsecondsIn(path: string): number | null {
  const found = /^usage_usec (\d+)$/m.exec(read(path) ?? '')?.[1]
  return found === undefined ? null : Number(found) * 1000
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
