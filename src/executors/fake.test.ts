import { executorConformance } from './conformance.ts'
import { createFakeExecutor } from './fake.ts'
import { sampleOrder } from './testing/orders.ts'

executorConformance('the fake', async () => {
  const executor = createFakeExecutor(({ spec }) => {
    const script = spec.command.join(' ')
    if (script.includes('echo out')) return { stdout: 'out\n', stderr: 'err\n' }
    if (script.includes('TOKEN')) return { stdout: 'the token is correct-horse\n' }
    if (script.includes('seq')) return { stdout: 'x'.repeat(1000) }
    if (script.includes('exit 7')) return { exitCode: 7 }
    if (script.includes('trap')) return { stdout: 'up\n', ms: 30_000, ignoresTerm: true }
    return { ms: 30_000 }
  })
  return {
    executor,
    order: sampleOrder,
    successor: async () => createFakeExecutor(() => ({}), executor.host),
    leftovers: () => [...executor.host.keys()],
    close: async () => {},
  }
})
