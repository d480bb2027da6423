/** Commands on hosts, over SSH. */
import type { BreakerRules } from '../../ssh/breaker.ts'
import type { Driver, DriversConfig } from '../driver/driver.ts'
import { AttemptLost, StartRefused } from '../executor.ts'
import { HostAttempt, type HostHandle } from './host-attempt.ts'
import { Hosts } from './hosts.ts'
import { ManyHosts, type ManyHandle } from './many-hosts.ts'

const isMany = (handle: unknown): handle is ManyHandle => typeof (handle as ManyHandle).many === 'object'

export function createSshDriver(config: DriversConfig, breaker?: BreakerRules): Driver {
  const hosts = new Hosts(config.tag, {
    ...(config.ssh?.agent && { agent: config.ssh.agent }),
    ...(breaker && { breaker }),
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
      if (target === undefined) throw new AttemptLost('how to get to its host is not known any more')
      if (isMany(handle)) return new ManyHosts(hosts, order!, tools, handle)
      const attempt = new HostAttempt({ hosts, target, key, tools, save: (found) => tools.save(found), order })
      await attempt.attach(handle as HostHandle)
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
