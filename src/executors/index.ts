/** Executor kind → implementation, and all that the runner and the command line need from this folder. */
export { createFakeExecutor, type FakeExecutor, type FakeRun } from './fake.ts'
export { createSandboxExecutor, type SandboxOptions } from './sandbox.ts'
export { connectLauncher } from './launcher/client.ts'
export { probeHost, type ProbeRow } from './probe.ts'
export { applySetup, planSetup, type SetupPlan, type SetupStep } from './setup.ts'
export * from './executor.ts'
export type { Launcher } from './launcher/launcher.ts'
