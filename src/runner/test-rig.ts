/** A whole runner over the real wire against a fake control plane, for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Executor } from '../executors/executor.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import { createFakeControlPlane, type FakeControlPlane, type FakeTimes } from './fake-control-plane.ts'
import { serveFake, type FakeServer } from './fake-server.ts'
import { connectToServer, type Connection } from './grpc-control-plane.ts'
import { Runner, type RunnerOptions } from './runner.ts'

export const quickTimes: FakeTimes = { heartbeatMs: 50, leaseMs: 3_000, graceMs: 3_000 }

export interface Rig {
  dir: string
  plane: FakeControlPlane
  facts: Fact[]
  /** A new runner process, as far as one process can play it. */
  start(executor: Executor, options?: Partial<RunnerOptions>): StartedRunner
  serveAgain(): Promise<void>
  stopServing(): Promise<void>
  close(): Promise<void>
}

export interface StartedRunner {
  runner: Runner
  over: Promise<void>
  server: Connection
}

export async function createRig(times: FakeTimes = quickTimes): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'ry-runner-'))
  const plane = createFakeControlPlane(times)
  const socketPath = join(dir, 'runner.sock')
  const attemptsDir = join(dir, 'attempts')
  let served: FakeServer | undefined = await serveFake(plane, socketPath)
  const started: StartedRunner[] = []
  const facts: Fact[] = []
  const unlisten = onFact((fact) => void facts.push(fact))
  return {
    dir,
    plane,
    facts,
    start(executor, options = {}) {
      const server = connectToServer({ socketPath }, { deadlineMs: 2_000 })
      const runner = new Runner({
        server,
        address: { socketPath },
        description: {
          name: 'test',
          session: crypto.randomUUID(),
          version: '0',
          hostname: 'here',
          labels: {},
          slots: 4,
          cpuMillis: 4_000,
          memoryMib: 4_096,
          executors: [executor.kind],
          facilities: {},
        },
        executor,
        attemptsDir,
        drainMs: 2_000,
        ...options,
      })
      const one = { runner, over: runner.run().finally(() => server.close()), server }
      one.over.catch(() => {}) // tests that care await it
      started.push(one)
      return one
    },
    async serveAgain() {
      served = await serveFake(plane, socketPath)
    },
    async stopServing() {
      await served?.close()
      served = undefined
    },
    async close() {
      for (const { runner } of started) {
        runner.stop()
        runner.stop()
      }
      await Promise.allSettled(started.map(({ over }) => over))
      await served?.close()
      unlisten()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
