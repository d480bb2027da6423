/** A real driver process with one kind of driver, for tests; each rig has its own directories and its own tag. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConformanceRig } from '../../conformance.ts'
import { createDrivenExecutor, type DrivenExecutor } from '../../driven.ts'
import type { AttemptOrder, Ended, Executor, RunningAttempt } from '../../executor.ts'
import { sampleOrder, type Overrides } from '../../testing/orders.ts'
import { processesWith, openPolicy } from '../../testing/rig.ts'
import { textOf } from '../../testing/read-log.ts'
import { until } from '../../testing/until.ts'
import type { DrivenKind, DriversConfig } from '../driver.ts'

export interface DrivenRigOptions {
  kind: DrivenKind
  config?: Partial<DriversConfig>
  /** What every order of this rig has besides: its place, its container. */
  overrides?: Overrides
  /** What is left at the place, one line each. */
  leftovers?(config: DriversConfig): string[]
  close?(): Promise<void>
}

export interface Ran extends Ended {
  stdout: string
  stderr: string
}

export interface DrivenRig extends ConformanceRig {
  executor: Executor & DrivenExecutor
  config: DriversConfig
  root: string
  socketPath: string
  /** Pid of the driver process; null while none runs. */
  pid(): number | null
  start(
    command: string[],
    overrides?: Overrides,
  ): Promise<{ attempt: RunningAttempt; order: AttemptOrder; stdout(): Promise<string> }>
  run(command: string[], overrides?: Overrides): Promise<Ran>
}

const merge = (a: Overrides = {}, b: Overrides = {}): Overrides => ({
  ...a,
  ...b,
  spec: { ...a.spec, ...b.spec },
  limits: { ...a.limits, ...b.limits },
})

export async function createDrivenRig(options: DrivenRigOptions): Promise<DrivenRig> {
  const root = mkdtempSync(join(tmpdir(), 'runyard-driven-'))
  mkdirSync(join(root, 'run'), { mode: 0o700 })
  const socketPath = join(root, 'run', 'driver.sock')
  const config: DriversConfig = {
    dir: join(root, 'driven'),
    tag: randomBytes(6).toString('hex'),
    policy: openPolicy,
    egressAllow: [],
    ...options.config,
  }
  const made: DrivenExecutor[] = []
  const make = (): Executor & DrivenExecutor => {
    const driven = createDrivenExecutor({ config, socketPath })
    made.push(driven)
    const probe = (): never => {
      throw new Error('a driver process is not probed')
    }
    return { ...driven, kind: 'driven', probe }
  }
  const executor = make()
  const order = (command: string[], overrides: Overrides = {}): AttemptOrder =>
    sampleOrder(command, merge(merge({ spec: { executor: options.kind } }, options.overrides), overrides))
  const start: DrivenRig['start'] = async (command, overrides) => {
    const wanted = order(command, overrides)
    const attempt = await executor.start(wanted)
    return { attempt, order: wanted, stdout: () => textOf(attempt.log, 'stdout') }
  }
  const pids = (): number[] => processesWith(`${socketPath}\0`)
  return {
    executor,
    config,
    root,
    socketPath,
    order,
    start,
    pid: () => pids()[0] ?? null,
    async run(command, overrides) {
      const { attempt } = await start(command, overrides)
      try {
        const ended = await attempt.ended
        return { ...ended, stdout: await textOf(attempt.log, 'stdout'), stderr: await textOf(attempt.log, 'stderr') }
      } finally {
        await attempt.release()
      }
    },
    successor: async () => make(),
    leftovers: () => [
      ...(existsSync(config.dir) ? readdirSync(config.dir) : []),
      ...(options.leftovers?.(config) ?? []),
    ],
    async close() {
      for (const one of made) await one.close()
      await until(() => pids().length === 0)
      await options.close?.()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
