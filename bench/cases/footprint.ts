/** What the whole system takes while nothing happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rootOf, runAll, withSystem } from '../benched-system.ts'
import { cpuOfTree, memoryOfTree, type Figure } from '../figures.ts'

const settleMs = 25_000
const watchMs = 20_000

export const footprint = (): Promise<Figure[]> =>
  withSystem(async (system) => {
    // Not fresh from the start: every part has worked once, as in a system that idles between jobs.
    await runAll(system, [{ command: ['true'] }])
    await sleep(settleMs)
    const before = await cpuOfTree(rootOf(system))
    await sleep(watchMs)
    const cpuMs = (await cpuOfTree(rootOf(system))) - before
    return [
      { name: 'idle memory of all processes (PSS)', value: await memoryOfTree(rootOf(system)), unit: 'MiB' },
      { name: 'idle CPU', value: (cpuMs / watchMs) * 100, unit: '% of a core' },
    ]
  })
