/** What this runner can do elsewhere than in its own sandboxes, and how that is just now. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DriversConfig } from '../executors/driver/driver.ts'
import { findEngine, type DrivenExecutor } from '../executors/index.ts'
import type { RunnerConfig } from './main.ts'

/** Warm containers and breakers change by the second; people look less often. */
const lookEveryMs = 5_000

export interface Elsewhere {
  config: DriversConfig
  /** Kinds that the server may send here. */
  executors: string[]
  /** `facilities.elsewhere`, by kind. */
  states(): Record<string, unknown>
  /** `onChange` tells the server; until the signal. */
  watch(driven: Pick<DrivenExecutor, 'states'>, onChange: () => Promise<void>, signal: AbortSignal): void
}

/**
 * One that was named is there, whether it answers just now or not: its containers go on, and are to be found again. Jobs
 * that come meanwhile are told that it does not answer.
 */
const engineOf = async (setting: string): ReturnType<typeof findEngine> =>
  (await findEngine(setting)) ?? (setting.startsWith('/') ? { socket: setting, engine: '', version: '' } : null)

export async function findElsewhere(config: RunnerConfig): Promise<Elsewhere> {
  const engine = await engineOf(config.containerEngine)
  const { kubernetesConfig, kubernetesNamespaces: namespaces } = config
  const drivers: DriversConfig = {
    dir: join(config.dataDir, 'runner', 'driven'),
    tag: createHash('sha256').update(`${config.runnerName}\0${config.dataDir}`).digest('hex').slice(0, 12),
    policy: {
      allowIsolationNone: config.allowIsolationNone,
      allowNetworkHost: config.allowNetworkHost,
      allowedWorkdirs: config.allowedWorkdirs,
      allowedReadOnlyBinds: config.allowedReadOnlyBinds,
      allowedReadWriteBinds: config.allowedReadWriteBinds,
      sharedInputs: { runner: config.runnerName, dirs: config.sharedInputs },
      projects: { roots: config.pipelines, toolchains: config.toolchains },
    },
    egressAllow: config.egressAllow,
    ...(engine && {
      container: {
        socket: engine.socket,
        images: config.containerImages,
        networks: config.containerNetworks,
        volumes: config.containerVolumes,
        ulimits: Object.fromEntries(Object.entries(config.containerUlimits).map(([name, n]) => [name, Number(n)])),
        warmMost: config.containerWarm,
      },
    }),
    ...(config.sshExecutor && { ssh: config.sshAgent === undefined ? {} : { agent: config.sshAgent } }),
    ...(config.slurm && {
      slurm: {
        dir: config.slurmDir ?? join(config.dataDir, 'slurm'),
        partitions: config.slurmPartitions,
        ...(config.slurmUser !== undefined && { user: config.slurmUser }),
        ...(config.slurmConf !== undefined && { conf: config.slurmConf }),
      },
    }),
    ...(kubernetesConfig !== undefined && {
      kubernetes: { config: kubernetesConfig, namespaces, images: config.containerImages },
    }),
  }
  const { container, ssh, slurm, kubernetes } = drivers
  const found = {
    ...(container && { container: engine }),
    ...(ssh && { ssh: { hosts: [] } }),
    ...(slurm && { slurm: {} }),
  }
  let states: Record<string, unknown> = { ...found, ...(kubernetes && { kubernetes: {} }) }
  return {
    config: drivers,
    executors: Object.keys(states),
    states: () => states,
    watch(driven, onChange, signal) {
      const look = async (): Promise<void> => {
        while (!signal.aborted) {
          await sleep(lookEveryMs, undefined, { signal, ref: false }).catch(() => {})
          const said = await driven.states().catch(() => null)
          if (said === null || signal.aborted) continue
          const next = { ...states }
          for (const [kind, state] of Object.entries(said))
            next[kind] = { ...(states[kind] as object), ...(state as object) }
          if (JSON.stringify(next) === JSON.stringify(states)) continue
          states = next
          await onChange()
        }
      }
      void look()
    },
  }
}
