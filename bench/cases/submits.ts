/** How fast jobs are accepted, on disk when the answer comes. */
import { rootOf, submitOne, withSystem } from '../benched-system.ts'
import { cpuOfTree, timed, type Figure } from '../figures.ts'

const singles = 2000
const lanes = 20
const batches = 10

export const submits = (): Promise<Figure[]> =>
  withSystem(async (system) => {
    await system.api.calls.queues.put({ name: 'parked', paused: true } as never)
    const one = { command: ['true'], queue: 'parked' }
    const lane = async (count: number) => {
      for (let i = 0; i < count; i++) await submitOne(system, one)
    }
    await lane(100)
    const alone = 200
    const single = await timed(() => lane(alone))
    const cpuBefore = await cpuOfTree(rootOf(system))
    const together = await timed(() => Promise.all(Array.from({ length: lanes }, () => lane(singles / lanes))))
    const cpu = (await cpuOfTree(rootOf(system))) - cpuBefore
    const batch = Array(1000).fill(one)
    const inBatches = await timed(async () => {
      for (let i = 0; i < batches; i++) await system.api.calls.jobs.submitMany({ jobs: batch } as never)
    })
    const control = { name: 'one at a time', value: alone / single }
    return [
      { name: `submits acknowledged, single POST, ${lanes} at a time`, value: singles / together, unit: '/s', control },
      { name: '  CPU of the server, its PostgreSQL and its idle runner for each', value: cpu / singles, unit: 'ms' },
      { name: 'jobs acknowledged, batches of 1,000', value: (batches * 1000) / inBatches, unit: '/s', control },
    ]
  })
