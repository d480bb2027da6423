/**
 * From the submit to the first byte of output at the client, over REST and the WebSocket, on an idle system, one job at
 * a time. Warm: with a pause before each, as long as a person takes. Cold: one straight after the other.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../../e2e/system.ts'
import { submitOne, withSystem, type Spec } from '../benched-system.ts'
import { percentile, shell, type Figure } from '../figures.ts'
import { bareSandbox } from './bare-sandbox.ts'

const rounds = 60

export const latency = (): Promise<Figure[]> =>
  withSystem(async (system) => {
    const figures: Figure[] = []
    const measure = async (name: string, spec: object, pauseMs: number, control: string) => {
      const samples: number[] = []
      for (let i = 0; i < rounds + 5; i++) {
        await sleep(pauseMs)
        const taken = await firstByte(system, { command: ['/bin/echo', 'x'], ...spec })
        if (i >= 5) samples.push(taken)
      }
      const alone = (await shell(`for i in $(seq ${rounds}); do ${control}; done`)) * 1000
      for (const share of [0.5, 0.99]) {
        figures.push({
          name: `submit to first byte, ${name}, p${share * 100}`,
          value: percentile(samples, share),
          unit: 'ms',
          ...(share === 0.5 ? { control: { name: 'the command alone', value: alone / rounds } } : {}),
        })
      }
    }
    const bare = await bareSandbox(['/bin/echo', 'x'])
    await measure('isolation none', { isolation: 'none' }, 0, '/bin/echo x')
    await measure('sandboxed, cold', {}, 0, bare.line)
    await measure('sandboxed, warm', {}, 250, bare.line)
    await bare.remove()
    return figures
  })

async function firstByte(system: System, job: Spec): Promise<number> {
  const start = performance.now()
  const jobId = await submitOne(system, job)
  for await (const event of system.api.followLog({ jobId })) {
    if (event.type === 'log') return performance.now() - start
  }
  throw new Error(`job ${jobId} printed nothing`)
}
