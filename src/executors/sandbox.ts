/** The sandbox executor, as the runner sees it: attempts live in the launcher process (`supervisor/`). */
import type { Executor } from './executor.ts'
import type { Launcher } from './launcher/launcher.ts'
import { facilitiesOf } from './probe.ts'
import { groundFromWire } from './sandbox/ground.ts'
import type { Policy } from './sandbox/policy.ts'
import { createSupervised } from './supervised.ts'
import type { ExecutorConfig, WarmPolicy } from './supervisor/check.ts'

export interface SandboxOptions extends Policy {
  /** State and record files of attempts. */
  attemptsDir: string
  /** As root, slot n runs as uid `uidBase + n`; uids `uidBase` to `uidBase + uidCount - 1` belong to jobs alone. */
  uidBase: number
  uidCount: number
  /** Without it some sandboxes are built ahead. */
  warm?: WarmPolicy
  launcher: Launcher
}

export function createSandboxExecutor(options: SandboxOptions): Executor {
  const { launcher, attemptsDir, uidBase, uidCount, warm, ...policy } = options
  const config: ExecutorConfig = { attemptsDir, uidBase, uidCount, warm, policy: policyOf(policy) }
  const introduce = async (call: Launcher['call']): Promise<void> => void (await call({ op: 'configure', config }))
  return {
    ...createSupervised({ launcher, introduce, name: 'launcher' }),
    kind: 'sandbox',
    probe: async () => facilitiesOf(groundFromWire(await launcher.call({ op: 'ground' })), uidBase),
  }
}

/** Nothing but this crosses the socket. */
export const policyOf = (policy: Policy): Policy => ({
  allowIsolationNone: policy.allowIsolationNone,
  allowNetworkHost: policy.allowNetworkHost,
  egressAllow: policy.egressAllow,
  allowedWorkdirs: policy.allowedWorkdirs,
  allowedReadOnlyBinds: policy.allowedReadOnlyBinds,
  allowedReadWriteBinds: policy.allowedReadWriteBinds,
  sharedInputs: policy.sharedInputs,
  projects: policy.projects,
})
