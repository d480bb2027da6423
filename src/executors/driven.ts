/**
 * The executor of everything that runs elsewhere, as the runner sees it: attempts live in the driver process (`driver/`),
 * which is started when the first of them comes, or when there may be something left of earlier ones.
 */
import { existsSync, readdirSync } from 'node:fs'
import { monotonicMs } from '../lib/monotonic.ts'
import { drivenKinds, type DrivenKind, type DriversConfig } from './driver/driver.ts'
import type { AttemptOrder, Executor } from './executor.ts'
import { connectLauncher } from './launcher/client.ts'
import { driverProgram } from './launcher/instance.ts'
import type { Launcher } from './launcher/launcher.ts'
import { createSupervised, type Supervised } from './supervised.ts'

export type DrivenExecutor = Supervised & {
  /** What the drivers say of themselves; null as long as no driver process was needed. */
  states(): Promise<Record<string, unknown> | null>
  /** A driver process is there, or comes. */
  wanted(): boolean
}

export interface DrivenOptions {
  config: DriversConfig
  socketPath: string
  /** The driver process belongs to this program and ends with it. */
  endsWithUs?: boolean
}

export const isDriven = (executor: string): executor is DrivenKind =>
  (drivenKinds as readonly string[]).includes(executor)

export function createDrivenExecutor({ config, socketPath, endsWithUs }: DrivenOptions): DrivenExecutor {
  /** With their credentials, for a driver process that takes over from one that was killed. */
  const orders = new Map<string, AttemptOrder>()
  let there: Promise<{ launcher: Launcher; supervised: Supervised }> | null = null

  const open = async (): Promise<{ launcher: Launcher; supervised: Supervised }> => {
    const launcher = await connectLauncher({ socketPath, spawnIfMissing: true, endsWithUs, program: driverProgram })
    const introduce = async (call: Launcher['call']): Promise<void> => {
      await call({ op: 'configure', config })
      await call({ op: 'take_up', orders: [...orders.values()] })
    }
    const onForgotten = (key: string): void => void orders.delete(key)
    return { launcher, supervised: createSupervised({ launcher, introduce, name: 'driver', onForgotten }) }
  }
  const get = (): NonNullable<typeof there> => {
    there ??= open()
    there.catch(() => (there = null))
    return there
  }
  /** A container engine may hold what a lost disk does not tell of; hosts have their own backstop. */
  const mayHaveLeft = (): boolean =>
    config.container !== undefined ||
    config.slurm !== undefined ||
    config.kubernetes !== undefined ||
    existsSync(socketPath) ||
    (existsSync(config.dir) && readdirSync(config.dir).length > 0)

  return {
    wanted: () => there !== null,
    states: async () => (there === null ? null : (await there).launcher.call({ op: 'states' })),
    async start(order, signal) {
      const at = monotonicMs()
      orders.set(order.key, order)
      try {
        const { supervised } = await get()
        order.keepForMs = Math.max(1, order.keepForMs - (monotonicMs() - at))
        return await supervised.start(order, signal)
      } catch (error) {
        orders.delete(order.key)
        throw error
      }
    },
    async extend(keys, keepForMs) {
      if (there !== null) await (await there).supervised.extend(keys, keepForMs)
    },
    attempts: async () => (mayHaveLeft() ? (await get()).supervised.attempts() : []),
    sweep: async () => (there === null ? 0 : (await there).supervised.sweep()),
    async cool() {
      if (there !== null) await (await there).supervised.cool()
    },
    async close() {
      if (there === null) return
      const { launcher, supervised } = await there
      await supervised.close()
      await launcher.close()
    },
  }
}

/** One executor of two: by the kind of the job, and for what is left of both. */
export const withDriven = (local: Executor, driven: DrivenExecutor): Executor => ({
  ...local,
  start: (order, signal) => (isDriven(order.spec.executor) ? driven.start(order, signal) : local.start(order, signal)),
  async extend(keys, keepForMs) {
    await Promise.all([local.extend(keys, keepForMs), driven.extend(keys, keepForMs)])
  },
  attempts: async () => (await Promise.all([local.attempts(), driven.attempts()])).flat(),
  sweep: async () => (await Promise.all([local.sweep(), driven.sweep()])).reduce((sum, count) => sum + count, 0),
  async cool() {
    await Promise.all([local.cool(), driven.cool()])
  },
  async close() {
    await Promise.all([local.close(), driven.close()])
  },
})
