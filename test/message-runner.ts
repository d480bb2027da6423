/** A runner without a launcher: jobs are played (`false` fails), messages are sent. Started as a program, it can be killed. */
import { join } from 'node:path'
import { byKind, createFakeExecutor, createHttpExecutor, createMessageExecutor } from '../src/executors/index.ts'
import { connectToServer } from '../src/runner/grpc-control-plane.ts'
import { Runner } from '../src/runner/runner.ts'

export interface MessageRunnerOptions {
  socketPath: string
  dir: string
  executors?: string[]
}

/** Calling the answer stops it. */
export function startMessageRunner({
  socketPath,
  dir,
  executors = ['sandbox', 'message'],
}: MessageRunnerOptions): () => Promise<void> {
  const address = { socketPath }
  const link = connectToServer(address)
  const runner = new Runner({
    server: link,
    address,
    description: {
      ...{ name: 'test', session: crypto.randomUUID(), version: '0', hostname: 'here', labels: {}, facilities: {} },
      ...{ slots: 4, cpuMillis: 4000, memoryMib: 4096, executors },
    },
    executor: byKind(
      createFakeExecutor(({ spec }) => ({ exitCode: spec.command[0] === 'false' ? 1 : 0 })),
      createMessageExecutor(),
      createHttpExecutor({ resultsOf: () => ({ openInput: async () => null, putOutput: async () => {} }) }),
    ),
    attemptsDir: join(dir, 'attempts'),
    drainMs: 1000,
  })
  const over = runner.run().finally(() => link.close())
  return async () => {
    runner.stop()
    runner.stop()
    await over
  }
}

if (import.meta.filename === process.argv[1]) startMessageRunner(JSON.parse(process.argv[2]!) as MessageRunnerOptions)
