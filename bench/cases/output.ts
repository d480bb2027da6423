/** How fast one job can print, all of it kept, on disk and sealed; and what that costs in memory. */
import { ended } from '../../e2e/system.ts'
import { rootOf, submitOne, withSystem } from '../benched-system.ts'
import { memoryOfTree, shell, type Figure } from '../figures.ts'

const mib = 1024

export const output = (): Promise<Figure[]> =>
  withSystem(async (system) => {
    const command = ['/bin/sh', '-c', `head -c ${mib}M /dev/zero | tr '\\0' x`]
    const limits = { output_bytes: 4 * 1024 ** 3 }
    const before = await memoryOfTree(rootOf(system))
    let most = before
    const watch = setInterval(() => void memoryOfTree(rootOf(system)).then((now) => (most = Math.max(most, now))), 500)
    const id = await submitOne(system, { command, limits, isolation: 'none', timeout_seconds: 600 })
    const job = await ended(system, id, 600_000)
    clearInterval(watch)
    if (job.state !== 'succeeded') throw new Error(`job ${id} ended as ${job.state}`)
    const kept = (await system.api.calls.jobs.get({ id })) as { log?: { stdout_bytes?: number } }
    const running = Date.parse(job.ended_at!) - Date.parse(job.started_at!)
    const alone = await shell(
      `head -c ${mib}M /dev/zero | tr '\\0' x | cat > /tmp/runyard-bench-out; rm /tmp/runyard-bench-out`,
    )
    const bytes = kept.log?.stdout_bytes
    if (bytes !== undefined && bytes !== mib * 1024 ** 2) throw new Error(`${bytes} bytes were kept`)
    return [
      {
        name: `output of one job, ${mib} MiB, kept`,
        value: mib / (running / 1000),
        unit: 'MiB/s',
        control: { name: 'cat > file', value: mib / alone },
      },
      { name: 'growth of all processes meanwhile (PSS)', value: most - before, unit: 'MiB' },
    ]
  })
