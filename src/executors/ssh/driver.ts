/** Commands on hosts, over SSH. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver, DriversConfig } from '../driver/driver.ts'
import { AttemptLost, StartRefused } from '../executor.ts'
import { HostAttempt, type HostHandle } from './host-attempt.ts'
import { Hosts, type HostsOptions } from './hosts.ts'
import { ManyHosts, type ManyHandle } from './many-hosts.ts'

const isMany = (handle: unknown): handle is ManyHandle => typeof (handle as ManyHandle).many === 'object'

export function createSshDriver(config: DriversConfig, options: Omit<HostsOptions, 'agent'> = {}): Driver {
  const hosts = new Hosts(config.tag, {
    ...(config.ssh?.agent && { agent: config.ssh.agent }),
    ...options,
  })
  return {
    kind: 'ssh',
    async start(order, tools) {
      const place = order.place?.ssh
      const [target] = place?.hosts ?? []
      if (place === undefined || target === undefined)
        throw new StartRefused('refused', order.place?.refused ?? 'it names no host that is there')
      if (place.hosts.length > 1) return new ManyHosts(hosts, order, tools)
      const { key } = order
      const attempt = new HostAttempt({ hosts, target, key, tools, save: (handle) => tools.save(handle), order })
      await attempt.start()
      return attempt
    },
    async attach({ key, handle, order }, tools) {
      const [target] = order?.place?.ssh?.hosts ?? []
      if (target === undefined) {
        // Nothing renews its lease any more. Until that is over it may still run, and another one may not.
        await sleep(tools.keepForMs() + hosts.leaseSlackMs, undefined, { ref: false })
        throw new AttemptLost(
          'how to get to its host is not known any more; what watches it there has killed it by now',
        )
      }
      if (isMany(handle)) return new ManyHosts(hosts, order!, tools, handle)
      const attempt = new HostAttempt({ hosts, target, key, tools, save: (found) => tools.save(found), order })
      attempt.attach(handle as HostHandle)
      return attempt
    },
    async sweep(known) {
      hosts.know(known)
      return 0
    },
    state: () => ({ hosts: hosts.pool.state() }),
    async cool() {
      hosts.pool.cool()
    },
    async close() {
      hosts.pool.close()
    },
  }
}
