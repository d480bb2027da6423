import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { executorConformance } from './conformance.ts'
import type { AttemptOrder } from './executor.ts'
import { createFakeExecutor } from './fake.ts'

executorConformance('the fake', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runyard-fake-'))
  let counter = 0
  const executor = createFakeExecutor(({ spec }) => {
    const script = spec.command.join(' ')
    if (script.includes('echo out')) return { stdout: 'out\n', stderr: 'err\n' }
    if (script.includes('exit 7')) return { exitCode: 7 }
    return { ms: 30_000, ignoresTerm: script.includes('trap') }
  })
  return {
    executor,
    order: (command) => {
      const key = `1-${++counter}`
      return { key, dir: join(root, key), spec: { command } } as AttemptOrder
    },
    leftovers: () => (existsSync(root) ? readdirSync(root) : []),
    close: async () => rmSync(root, { recursive: true }),
  }
})
