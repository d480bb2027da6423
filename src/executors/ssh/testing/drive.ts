/** The driver in this process, without a core around it: what it hands over is kept in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { SshOrder, SshTarget } from '../../../job/host.ts'
import type { Driven, DrivenEnd, DriversConfig } from '../../driver/driver.ts'
import type { AttemptOrder } from '../../executor.ts'
import { openPolicy } from '../../testing/rig.ts'
import { sampleOrder, type Overrides } from '../../testing/orders.ts'
import { createSshDriver } from '../driver.ts'

export interface Driving {
  driven: Driven
  order: AttemptOrder
  handle(): unknown
  text(stream: 'stdout' | 'stderr'): string
  bytes(stream: 'stdout' | 'stderr'): Buffer
  end(): Promise<DrivenEnd>
  /** Its lease is renewed now. */
  renew(): void
}

export interface SshOverrides extends Overrides {
  hosts?: SshTarget[]
  ssh?: Partial<SshOrder>
}

export function createDriving(
  target: () => SshTarget,
  options?: Parameters<typeof createSshDriver>[1],
  tag = randomBytes(6).toString('hex'),
) {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-ssh-'))
  const config: DriversConfig = { dir, tag, policy: openPolicy, egressAllow: [] }
  const driver = createSshDriver(config, options)
  const drive = async (
    make: (tools: Parameters<typeof driver.start>[1]) => Promise<Driven>,
    order: AttemptOrder,
  ): Promise<Driving> => {
    const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    let saved: unknown
    const extended: (() => void)[] = []
    const driven = await make({
      config,
      output: (stream, bytes) => void parts[stream].push(Buffer.from(bytes)),
      save: (handle) => (saved = structuredClone(handle)),
      signal: new AbortController().signal,
      keepForMs: () => order.keepForMs,
      onExtended: (listener) => void extended.push(listener),
    })
    const bytes = (stream: 'stdout' | 'stderr'): Buffer => Buffer.concat(parts[stream])
    return {
      driven,
      order,
      handle: () => saved,
      bytes,
      text: (stream) => bytes(stream).toString(),
      end: () => driven.ended,
      renew: () => extended.forEach((listener) => listener()),
    }
  }
  const orderOf = (command: string[], { hosts, ssh, ...rest }: SshOverrides = {}): AttemptOrder => ({
    ...sampleOrder(command, rest),
    place: { ssh: { hosts: hosts ?? [target()], success: 'all', at_once: 10, ...ssh } },
  })
  return {
    driver,
    config,
    start(command: string[], overrides?: SshOverrides) {
      const order = orderOf(command, overrides)
      return drive((tools) => driver.start(order, tools), order)
    },
    attach: (order: AttemptOrder, handle: unknown) =>
      drive((tools) => driver.attach({ key: order.key, handle, startedAt: Date.now(), order }, tools), order),
    /** As its next driver process has it when no runner knows it any more. */
    forgotten: ({ order }: Driving, handle: unknown, keepForMs: number) =>
      drive((tools) => driver.attach({ key: order.key, handle, startedAt: Date.now(), order: undefined }, tools), {
        ...order,
        keepForMs,
      }),
    async close() {
      await driver.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
