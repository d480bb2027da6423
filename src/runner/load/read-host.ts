/** What Linux tells of a host, and which part of it is ours. Costs a few milliseconds for some hundred processes. */
import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { HostSample } from './hold-back.ts'

export interface ReadHostOptions {
  /** Processes whose command line has this in it are ours, with all that they started: the runner's own directory. */
  runDir: string
  pid?: number
}

/** Processes read in one go, so that the runner's other work is not kept waiting. */
const atOnce = 200
const pageBytes = 4096
const MiB = 2 ** 20

interface Counters {
  /** Ticks of all cores. */
  busy: number
  all: number
  own: number
}

export interface HostReader {
  /** Since the call before; the first one counts from nothing and says that no core is busy. */
  read(): Promise<HostSample>
}

export function createHostReader({ runDir, pid = process.pid }: ReadHostOptions): HostReader {
  const roots = new Map<string, boolean>()
  let before: Counters | undefined
  return {
    async read() {
      const own = await readOwn({ runDir, pid, roots })
      const { busy, all, cores } = ticksOf(text('/proc/stat'))
      const now = { busy, all, own: own.ticks }
      const part = (counter: 'busy' | 'own'): number =>
        before === undefined || now.all <= before.all
          ? 0
          : (Math.max(0, now[counter] - before[counter]) / (now.all - before.all)) * cores
      const memory = memoryOf(text('/proc/meminfo'))
      const busyCores = Math.min(cores, part('busy'))
      const sample = {
        cores,
        busyCores,
        ownCores: Math.min(busyCores, part('own')),
        loadAverage: Number(text('/proc/loadavg').split(' ')[0]) || 0,
        cpuPressure: pressureOf(optional('/proc/pressure/cpu')),
        memoryPressure: pressureOf(optional('/proc/pressure/memory')),
        ...memory,
        ownMemoryMib: own.residentBytes / MiB,
      }
      before = now
      return sample
    },
  }
}

const text = (path: string): string => readFileSync(path, 'latin1')
function optional(path: string): string | null {
  try {
    return text(path)
  } catch {
    return null // a kernel without it, or one that was told not to count
  }
}

/** Of the line that sums all cores up: user, nice, system, idle, iowait, irq, softirq, steal. */
export function ticksOf(stat: string): { busy: number; all: number; cores: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const busy = user + nice + system + irq + soft + steal
  return { busy, all: busy + idle + wait, cores: stat.match(/^cpu\d/gm)?.length ?? 1 }
}

/** `some avg10=1.23 …`; null when it is not told. */
export function pressureOf(pressure: string | null): number | null {
  const found = /^some avg10=([\d.]+)/.exec(pressure ?? '')
  return found ? Number(found[1]) : null
}

export function memoryOf(meminfo: string): { memoryMib: number; memoryAvailableMib: number } {
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0)
  return { memoryMib: kib('MemTotal') / 1024, memoryAvailableMib: kib('MemAvailable') / 1024 }
}

interface Process {
  pid: number
  parent: number
  ticks: number
  pages: number
  /** With its pid a name that is not used twice. */
  startedAt: string
}

/** What waited-for children used is counted with their parent, so that short jobs are not missed. */
export function processOf(stat: string): Process | null {
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  const pid = Number.parseInt(stat, 10)
  if (end < 0 || fields.length < 22) return null
  const sum = (from: number, to: number): number =>
    fields.slice(from, to).reduce((total, field) => total + (Number(field) || 0), 0)
  return { pid, parent: Number(fields[1]), ticks: sum(11, 15), pages: Number(fields[21]) || 0, startedAt: fields[19]! }
}

interface ReadOwn extends Required<ReadHostOptions> {
  /** By pid and start: whether it is one of ours, read once. */
  roots: Map<string, boolean>
}

async function readOwn({ runDir, pid, roots }: ReadOwn): Promise<{ ticks: number; residentBytes: number }> {
  const processes = new Map<number, Process>()
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  for (let from = 0; from < names.length; from += atOnce) {
    if (from > 0) await setImmediate()
    for (const name of names.slice(from, from + atOnce)) {
      const one = processOf(optional(`/proc/${name}/stat`) ?? '')
      if (one !== null) processes.set(one.pid, one)
    }
  }
  const isRoot = (one: Process): boolean => {
    if (one.pid === pid) return true
    const key = `${one.pid}.${one.startedAt}`
    const known = roots.get(key)
    if (known !== undefined) return known
    const found = (optional(`/proc/${one.pid}/cmdline`) ?? '').includes(runDir)
    roots.set(key, found)
    return found
  }
  const ours = new Map<number, boolean>()
  const isOurs = (one: Process | undefined): boolean => {
    if (one === undefined) return false
    const known = ours.get(one.pid)
    if (known !== undefined) return known
    ours.set(one.pid, false) // a parent that was read after its pid was used again
    const found = isRoot(one) || isOurs(processes.get(one.parent))
    ours.set(one.pid, found)
    return found
  }
  const all = [...processes.values()].filter(isOurs)
  const alive = new Set([...processes.values()].map((one) => `${one.pid}.${one.startedAt}`))
  for (const key of roots.keys()) if (!alive.has(key)) roots.delete(key)
  return {
    ticks: all.reduce((sum, { ticks }) => sum + ticks, 0),
    residentBytes: all.reduce((sum, { pages }) => sum + pages, 0) * pageBytes,
  }
}
