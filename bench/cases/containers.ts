/** How long until a container's first output: one that waited, one made for the job, and `podman run`, in turns. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createContainerDriver } from '../../src/executors/container/driver.ts'
import { startEngine, type TestEngine } from '../../src/executors/container/testing/engine.ts'
import { makeImage } from '../../src/executors/container/testing/images.ts'
import { containerSettings, image } from '../../src/executors/container/testing/rig.ts'
import type { DriversConfig, DriveTools } from '../../src/executors/driver/driver.ts'
import { sampleOrder } from '../../src/executors/testing/orders.ts'
import { openPolicy } from '../../src/executors/testing/rig.ts'
import { percentile, type Figure } from '../figures.ts'

const rounds = 30
const command = ['sh', '-c', 'echo x']

export async function containers(): Promise<Figure[]> {
  const engine = await startEngine()
  const dir = mkdtempSync(join(tmpdir(), 'runyard-bench-'))
  const config: DriversConfig = {
    dir,
    tag: 'be5cbe5cbe5c',
    policy: openPolicy,
    egressAllow: [],
    container: containerSettings(engine),
  }
  const driver = createContainerDriver(config)
  const waiting = (): number =>
    (driver.state() as { warm: { waiting: number }[] }).warm.reduce((sum, one) => sum + one.waiting, 0)

  const ours = async (warm: boolean): Promise<number> => {
    const order = sampleOrder(command, {
      place: {
        container: { name: null, reference: image, pull: 'missing', ...(warm && { warm: { least: 1, most: 1 } }) },
      },
    })
    const first = Promise.withResolvers<number>()
    const begun = performance.now()
    const tools: DriveTools = {
      config,
      output: () => {
        first.resolve(performance.now() - begun)
        return undefined
      },
      save: () => {},
      signal: new AbortController().signal,
      keepForMs: () => 60_000,
      onExtended: () => {},
    }
    const driven = await driver.start(order, tools)
    const { exitCode } = await driven.ended
    await driven.clear()
    if (exitCode !== 0) throw new Error(`echo ended with ${exitCode}`)
    return first.promise
  }

  try {
    await makeImage(engine.engine, image)
    await ours(true)
    await podmanRun(engine)
    const times = { warm: [] as number[], cold: [] as number[], podman: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      while (waiting() < 1) await sleep(20)
      times.warm.push(await ours(true))
      while (waiting() < 1) await sleep(20)
      times.cold.push(await ours(false))
      times.podman.push(await podmanRun(engine))
    }
    const control = { name: 'podman run', value: percentile(times.podman, 0.5) }
    return [
      { name: 'container to first output, warm, p50', value: percentile(times.warm, 0.5), unit: 'ms', control },
      { name: 'the same, p90', value: percentile(times.warm, 0.9), unit: 'ms' },
      { name: 'container to first output, cold, p50', value: percentile(times.cold, 0.5), unit: 'ms', control },
      { name: 'the same, p90', value: percentile(times.cold, 0.9), unit: 'ms' },
    ]
  } finally {
    await driver.close()
    await engine.close()
    rmSync(dir, { recursive: true })
  }
}

/** Ms to its first output. */
async function podmanRun({ podman }: TestEngine): Promise<number> {
  const begun = performance.now()
  const argv = [
    ...['run', '--rm', '--network=none', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'],
    ...['--read-only', '--cap-drop=all', '--security-opt=no-new-privileges', '--user=65534:65534'],
    ...['--memory=256m', '--pids-limit=64', image, ...command],
  ]
  const child = spawn(podman[0]!, [...podman.slice(1), ...argv], { stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), gone])
  const took = performance.now() - begun
  const [code] = (await gone) as [number]
  if (code !== 0) throw new Error(`podman run ended with ${code}`)
  return took
}
