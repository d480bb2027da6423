/** The runner process: what `runyard runner` starts. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  byKind,
  connectLauncher,
  createDrivenExecutor,
  createHttpExecutor,
  createMessageExecutor,
  createSandboxExecutor,
  withDriven,
  type Executor,
  type Launcher,
} from '../executors/index.ts'
import { ensurePrivateDir, passableMode } from '../lib/private-dir.ts'
import type { RunnerDescription } from './control-plane.ts'
import { findElsewhere, type Elsewhere } from './elsewhere.ts'
import { projectLabel } from '../job/project.ts'
import { connectToServer } from './grpc-control-plane.ts'
import { createResults } from './helpers/serve-attempt.ts'
import { createHostLoad } from './load/host-load.ts'
import { createHostReader } from './load/read-host.ts'
import { keepRenewed } from './renewal.ts'
import { placeOf } from './place.ts'
import { describedBy, Runner } from './runner.ts'
import { createShares } from './shares.ts'
import type { ServerAddress } from './server-address.ts'

export { stopLauncher } from './left-launcher.ts'

/** The settings that a runner needs (`config/settings.ts`). */
export interface RunnerConfig {
  dataDir: string
  runDir: string
  runnerName: string
  runnerSlots: number
  runnerLabels: Record<string, string>
  runnerCpuMillis: number
  runnerMemoryMib: number
  /** `follow`: it takes less while its host is busy. */
  runnerLoad?: string
  runnerUidBase: number
  runnerUidCount: number
  drainSeconds: number
  allowIsolationNone: boolean
  allowNetworkHost: boolean
  allowedWorkdirs: string[]
  allowedReadOnlyBinds: string[]
  allowedReadWriteBinds: string[]
  sharedInputs: Record<string, string>
  pipelines: string[]
  toolchains: string[]
  containerEngine: string
  containerImages: string[]
  containerNetworks: string[]
  containerVolumes: string[]
  containerUlimits: Record<string, string>
  containerWarm: number
  sshExecutor: boolean
  sshAgent?: string | undefined
  egressAllow: string[]
  slurm: boolean
  slurmConf?: string | undefined
  slurmDir?: string | undefined
  slurmUser?: string | undefined
  slurmPartitions: string[]
  kubernetesConfig?: string | undefined
  kubernetesNamespaces: string[]
}

export type RunRunnerOptions = Exclude<ServerAddress, { pem: object }> & {
  version: string
  /** The authorities on disk are ours to replace, as after `runner enrol`. */
  ownsCa?: boolean
  /** Registered: jobs can come. */
  onReady?(): void
  /** Calls the listener at each request to stop; SIGTERM and SIGINT when missing. */
  onStop?(listener: () => void): void
}

/**
 * Resolves with the exit code when the runner was told to stop and has. Rejects with an AppError when it cannot work:
 * no server within 30 s and no job of an earlier process to wait for, or another process that took its name.
 */
export async function runRunner(config: RunnerConfig, options: RunRunnerOptions): Promise<number> {
  const dir = join(config.dataDir, 'runner')
  await ensurePrivateDir(dir)
  await ensurePrivateDir(config.runDir, passableMode())
  const launcherSocket = join(config.runDir, 'launcher.sock')
  const launcher = await connectLauncher({ socketPath: launcherSocket, spawnIfMissing: true })
  const address = addressOf(options)
  const server = connectToServer(address)
  const over = new AbortController()
  const attemptsDir = join(dir, 'attempts')
  const resultsOf = createResults({ server, spoolDir: join(dir, 'outputs'), signal: over.signal })
  const sandbox = sandboxOf(config, attemptsDir, launcher)
  const elsewhere = await findElsewhere(config)
  const driverSocket = join(config.runDir, 'driver.sock')
  const driven = createDrivenExecutor({ config: elsewhere.config, socketPath: driverSocket })
  const executor = byKind(withDriven(sandbox, driven), createMessageExecutor(), createHttpExecutor({ resultsOf }))
  try {
    const shares = await createShares({ dirs: config.sharedInputs })
    const description = await describe(config, options.version, executor, elsewhere)
    const runner = new Runner({
      server,
      address,
      description: { ...description, ...describedBy({ shares, elsewhere }, description) },
      shares,
      load: config.runnerLoad === 'follow' ? createHostLoad({ reader: createHostReader(config) }) : undefined,
      executor,
      attemptsDir,
      drainMs: config.drainSeconds * 1000,
      holderSockets: [launcherSocket, driverSocket],
      elsewhere: { ...elsewhere, watch: (onChange, signal) => elsewhere.watch(driven, onChange, signal) },
      onRegistered: options.onReady,
      onRenewed: () => server.renewed(),
    })
    if ('files' in address) {
      const { ownsCa = false } = options
      void keepRenewed({ address, ownsCa, onRenewed: () => runner.renewed(), signal: over.signal })
    }
    const onStop = options.onStop ?? onSignals
    onStop(() => runner.stop())
    await runner.run()
    return 0
  } finally {
    over.abort()
    server.close()
    await executor.close()
    await launcher.close()
  }
}

const addressOf = (options: RunRunnerOptions): Exclude<ServerAddress, { pem: object }> =>
  'socketPath' in options
    ? { socketPath: options.socketPath, beside: options.beside }
    : { servers: options.servers, files: options.files }

function onSignals(listener: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, listener)
}

const sandboxOf = (config: RunnerConfig, attemptsDir: string, launcher: Launcher): Executor =>
  createSandboxExecutor({
    attemptsDir,
    uidBase: config.runnerUidBase,
    uidCount: config.runnerUidCount,
    allowIsolationNone: config.allowIsolationNone,
    allowedWorkdirs: config.allowedWorkdirs,
    allowedReadOnlyBinds: config.allowedReadOnlyBinds,
    allowedReadWriteBinds: config.allowedReadWriteBinds,
    allowNetworkHost: config.allowNetworkHost,
    egressAllow: config.egressAllow,
    sharedInputs: { runner: config.runnerName, dirs: config.sharedInputs },
    projects: { roots: config.pipelines, toolchains: config.toolchains },
    launcher,
  })

async function describe(
  config: RunnerConfig,
  version: string,
  executor: Executor,
  elsewhere: Elsewhere,
): Promise<RunnerDescription> {
  return {
    name: config.runnerName,
    session: crypto.randomUUID(),
    version,
    hostname: hostname(),
    place: await placeOf(config.dataDir),
    labels: { ...config.runnerLabels, ...Object.assign({}, ...config.pipelines.map(projectLabel)) },
    slots: config.runnerSlots,
    cpuMillis: config.runnerCpuMillis,
    memoryMib: config.runnerMemoryMib,
    executors: [executor.kind, 'message', 'http', ...elsewhere.executors],
    facilities: await executor.probe(),
  }
}
