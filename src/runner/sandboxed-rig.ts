/** For tests with the real launcher and sandbox: the settings of a runner, and whether this host can do it at all. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectLauncher, createSandboxExecutor } from '../executors/index.ts'
import type { RunnerConfig } from './main.ts'

export interface SandboxedRig {
  dir: string
  config: RunnerConfig
  socketPath: string
  /** Why the tests cannot run here; from a real probe, as `doctor` makes it. */
  reason: string | undefined
  close(): Promise<void>
}

export async function createSandboxedRig(name: string, uidBase: number): Promise<SandboxedRig> {
  const dir = await mkdtemp(join(tmpdir(), `ry-${name}-`))
  const config: RunnerConfig = {
    dataDir: join(dir, 'data'),
    runDir: join(dir, 'run'),
    runnerName: name,
    runnerSlots: 4,
    runnerLabels: {},
    runnerCpuMillis: 4_000,
    runnerMemoryMib: 8_000,
    runnerUidBase: uidBase,
    runnerUidCount: 16,
    drainSeconds: 1,
    allowIsolationNone: false,
    allowNetworkHost: false,
    allowedWorkdirs: [],
    allowedReadOnlyBinds: [],
    sharedInputs: {},
    allowedReadWriteBinds: [],
    pipelines: [],
    toolchains: [],
    containerEngine: 'off',
    containerImages: [],
    containerNetworks: [],
    containerVolumes: [],
    containerUlimits: {},
    containerWarm: 0,
    sshExecutor: false,
    egressAllow: [],
    slurm: false,
    slurmPartitions: [],
    kubernetesNamespaces: [],
  }
  const reason = await whyNot(dir, config)
  if (reason !== undefined) console.log(`skipped: the runner with the real sandbox (${reason})`)
  return {
    dir,
    config,
    socketPath: join(dir, 'runner.sock'),
    reason,
    async close() {
      // The launcher leaves by itself when its last runner has said goodbye.
      while (existsSync(join(dir, 'run', 'launcher.sock'))) await sleep(20)
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }) // it still writes its code cache
    },
  }
}

async function whyNot(dir: string, config: RunnerConfig): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'not Linux'
  const runDir = join(dir, 'probe')
  const launcher = await connectLauncher({ socketPath: join(runDir, 'launcher.sock'), spawnIfMissing: true })
  const { runnerUidBase: uidBase, runnerUidCount: uidCount } = config
  const attemptsDir = join(runDir, 'attempts')
  const executor = createSandboxExecutor({
    ...config,
    sharedInputs: undefined,
    attemptsDir,
    uidBase,
    uidCount,
    launcher,
  })
  try {
    const { isolation } = await executor.probe()
    return isolation.full ? undefined : isolation.reason
  } finally {
    await executor.close()
    await launcher.close()
  }
}
