/** Orders for tests: everything filled in, a key of their own. */
import type { AttemptOrder } from '../executor.ts'

export type Overrides = Partial<Omit<AttemptOrder, 'spec' | 'limits'>> & {
  spec?: Partial<AttemptOrder['spec']>
  limits?: Partial<AttemptOrder['limits']>
}

const MiB = 1024 * 1024
let counter = 0

export function sampleOrder(command: string[], { spec, limits, ...rest }: Overrides = {}): AttemptOrder {
  counter += 1
  return {
    key: `${process.pid}-${counter}`,
    spec: {
      name: 'test',
      command,
      queue: 'default',
      priority: 5,
      max_attempts: 1,
      stop_grace_seconds: 5,
      executor: 'sandbox',
      isolation: 'full',
      network: 'none',
      ...spec,
    },
    env: { RUNYARD_JOB_ID: 'abcdef012345' },
    secretEnv: {},
    limits: { cpu: 2, memory_bytes: 256 * MiB, pids: 64, open_files: 1024, disk_bytes: 16 * MiB, ...limits },
    named: [],
    timeoutMs: 60_000,
    stopGraceMs: 5000,
    slot: counter % 8,
    keepForMs: 60_000,
    note: { number: counter },
    ...rest,
  }
}
