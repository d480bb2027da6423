import type { Host } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'

type Facts = NonNullable<Host['facts']>

/** `Debian 12 · 8 cores · 32 GiB`: of the system's own name what tells it from others. */
export const factsLine = ({ os, cores, memory_bytes }: Facts): string =>
  [
    os?.replace(/ GNU\/Linux| \([^)]*\)/g, ''),
    cores !== null && coresText(cores),
    memory_bytes !== null && byteSize(memory_bytes),
  ]
    .filter(Boolean)
    .join(' · ')

export const coresText = (cores: number): string => (cores === 1 ? '1 core' : `${cores} cores`)

/** What limits of jobs can be held by there. */
export function limitsText({ cgroup, systemd }: Facts): string | null {
  if (cgroup === null && systemd === null) return null
  if (systemd) return 'systemd scopes'
  return cgroup === null || cgroup === 'none' ? 'ulimit only' : `cgroup ${cgroup}`
}
