/** Small tools of the benchmarks. */
import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'

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

interface Process {
  pid: number
  parent: number
  /** User and system time, its own and that of the children it has waited for, ms. */
  cpuMs: number
}

/** A process and all its descendants. */
async function treeOf(root: number): Promise<Process[]> {
  const all = new Map<number, Process>()
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // utime, stime, cutime, cstime in ticks of 10 ms.
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    all.set(pid, { pid, parent: Number(fields[1]), cpuMs: ticks * 10 })
  }
  const inside = (pid: number): boolean => pid === root || (pid > 1 && inside(all.get(pid)?.parent ?? 0))
  return [...all.values()].filter(({ pid }) => inside(pid))
}

/** Of one process alone, ms. */
export async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

export const cpuOfTree = async (root: number): Promise<number> =>
  (await treeOf(root)).reduce((sum, { cpuMs }) => sum + cpuMs, 0)

/** Proportional memory of a process and all its descendants, MiB. */
export async function memoryOfTree(root: number): Promise<number> {
  let kib = 0
  for (const { pid } of await treeOf(root)) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    kib += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  }
  return kib / 1024
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

/** Replaces the block between `<!-- name -->` and `<!-- /name -->` in RESULTS.md, or adds it. */
export async function writeBlock(name: string, text: string): Promise<void> {
  const file = new URL('RESULTS.md', import.meta.url)
  const old = await readFile(file, 'utf8').catch(() => '# Results\n')
  const block = `<!-- ${name} -->\n${text}<!-- /${name} -->`
  const there = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`)
  const fresh = there.test(old) ? old.replace(there, () => block) : `${old.trimEnd()}\n\n## ${name}\n\n${block}\n`
  await writeFile(file, fresh)
}
