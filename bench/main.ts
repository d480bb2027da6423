/**
 * `npm run bench`: the first figures, over REST on a real system, as root with every limit held. Prints a table and,
 * with `--write`, puts it into RESULTS.md.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { startSystem, until, type System } from '../e2e/system.ts'
import { memoryOfTree, percentile, shell, table, timed, type Figure } from './figures.ts'

const figures: Figure[] = []
const count = 500
const system = await startSystem({ RUNYARD_ALLOW_ISOLATION_NONE: 'true', RUNYARD_RUNNER_SLOTS: '8' })
try {
  await until('the runner', async () => (await system.api.calls.runners.list()).runners.length > 0)
  figures.push({
    name: 'idle memory of all processes (PSS)',
    value: await memoryOfTree(system.up?.pid ?? 0),
    unit: 'MiB',
  })
  await throughput('isolation none', { isolation: 'none' }, `seq ${count} | xargs -P2 -n1 /bin/true`, 'xargs -P2')
  const bare =
    'bwrap --unshare-all --unshare-user --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --cap-drop ALL true'
  await throughput('sandboxed', {}, `seq ${count} | xargs -P8 -I_ ${bare}`, 'bare bwrap, -P8')
  await latency(system)
  await submits(system)
} finally {
  await system.stop()
}

const text = `${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}\n\n${table(figures)}\n`
console.log(text)
if (process.argv.includes('--write')) await write(text)

async function throughput(name: string, spec: object, control: string, controlName: string): Promise<void> {
  const jobs = Array.from({ length: count }, () => ({ command: ['/bin/true'], ...spec }))
  const seconds = await timed(async () => {
    await system.api.calls.jobs.submitMany({ jobs } as never)
    await until(
      'the end',
      async () => {
        const stats = await system.api.calls.jobs.stats()
        return stats.waiting + stats.running === 0
      },
      300_000,
    )
  })
  const value = await shell(control)
  figures.push({
    name: `durable jobs/s, ${name}`,
    value: count / seconds,
    unit: '/s',
    control: { name: controlName, value: count / value },
  })
}

/** Submit to first byte, one job at a time, cold sandbox, as the job's own records tell it. */
async function latency(sys: System): Promise<void> {
  const samples: number[] = []
  for (let i = 0; i < 40; i++) {
    const start = performance.now()
    const { id } = (await sys.api.calls.jobs.submit({ command: ['echo', 'x'] } as never)) as { id: string }
    for await (const event of sys.api.followLog({ jobId: id })) {
      if (event.type === 'log') {
        samples.push(performance.now() - start)
        break
      }
    }
  }
  figures.push({
    name: 'submit to first byte at the client, sandboxed, cold, p50',
    value: percentile(samples, 0.5),
    unit: 'ms',
  })
  figures.push({ name: 'the same, p99', value: percentile(samples, 0.99), unit: 'ms' })
}

async function submits(sys: System): Promise<void> {
  await sys.api.calls.queues.put({ name: 'parked', paused: true } as never)
  const one = { command: ['true'], queue: 'parked' }
  const singles = 1000
  const single = await timed(async () => {
    const lane = async () => {
      for (let i = 0; i < singles / 20; i++) await sys.api.calls.jobs.submit(one as never)
    }
    await Promise.all(Array.from({ length: 20 }, lane))
  })
  figures.push({ name: 'submits acknowledged, single POST, 20 at a time', value: singles / single, unit: '/s' })
  const batch = await timed(async () => {
    for (let i = 0; i < 5; i++)
      await sys.api.calls.jobs.submitMany({ jobs: Array.from({ length: 1000 }, () => one) } as never)
  })
  figures.push({ name: 'jobs acknowledged, batches of 1,000', value: 5000 / batch, unit: '/s' })
}

async function write(result: string): Promise<void> {
  const file = new URL('RESULTS.md', import.meta.url)
  const old = await readFile(file, 'utf8').catch(() => '# Results\n\n<!-- main -->\n<!-- /main -->\n')
  await writeFile(file, old.replace(/<!-- main -->[\s\S]*<!-- \/main -->/, `<!-- main -->\n${result}<!-- /main -->`))
}
