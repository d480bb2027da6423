/** Small tools of the benchmarks: every figure is taken beside a control in the same run, because machines are noisy. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export interface Figure {
  name: string
  value: number
  unit: string
  control?: { name: string; value: number }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

export const percentile = (values: number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Seconds that a shell line takes. */
export const shell = (line: string): Promise<number> =>
  timed(
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'ignore', 'inherit'] })
        child.once('error', reject)
        child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${line}: ${code}`))))
      }),
  )

/** Proportional memory of a process and all its descendants, MiB. */
export async function memoryOfTree(root: number): Promise<number> {
  const { readdir } = await import('node:fs/promises')
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const inside = (pid: number): boolean => pid === root || (pid > 1 && inside(parents.get(pid) ?? 0))
  let kib = 0
  for (const pid of parents.keys()) {
    if (!inside(pid)) continue
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    kib += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  }
  return kib / 1024
}

/** CPU time of a process and all that it started and that still runs, milliseconds. */
export async function cpuOfTree(root: number): Promise<number> {
  const { readdir } = await import('node:fs/promises')
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const inside = (pid: number): boolean => pid === root || (pid > 1 && inside(parents.get(pid) ?? 0))
  let ns = 0
  for (const pid of parents.keys()) {
    if (!inside(pid)) continue
    for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const stat = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '')
      ns += Number(stat.split(' ')[0])
    }
  }
  return ns / 1e6
}

/** Resident memory of one process, MiB. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}

export function table(figures: Figure[]): string {
  const rows = figures.map((f) => {
    const control = f.control ? `${f.control.name}: ${round(f.control.value)}` : ''
    const ratio = f.control ? round(f.value / f.control.value) : ''
    return `| ${f.name} | ${round(f.value)} ${f.unit} | ${control} | ${ratio} |`
  })
  return ['| figure | value | control, same run | ratio |', '|---|---|---|---|', ...rows].join('\n')
}

const round = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2))
