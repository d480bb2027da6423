/**
 * The driver process: holds what a runner has running in containers, on hosts and in clusters, and outlives it as the
 * launcher does. Its connections and streams stay when its runner is killed.   `node main.ts SOCKET [--with-client]`
 */
import { asRefusal } from '../launcher/as-refusal.ts'
import { driverProgram } from '../launcher/instance.ts'
import { serveAttempts, type Holder } from '../launcher/serve.ts'
import type { DriversConfig } from './driver.ts'
import { loadDriver } from './load.ts'
import { DriverSupervisor } from './supervisor.ts'

function makeHolder(onIdle: () => void): Holder {
  const supervisor = new DriverSupervisor({ load: loadDriver, onIdle })
  return {
    running: () => supervisor.running,
    unwatch: (watcher) => supervisor.unwatch(watcher),
    killAll: () => supervisor.killAll(),
    close: () => supervisor.close(),
    answer(request, { config, watcher }) {
      switch (request.op) {
        case 'hello':
          return { pid: process.pid, starter: null, warm: { waiting: 0, used: 0 } }
        case 'configure':
          return supervisor.configure(config as DriversConfig)
        case 'take_up':
          return supervisor.takeUp(request.orders)
        case 'states':
          return supervisor.states()
        case 'start':
          return supervisor.start(request.order, request.at + request.order.keepForMs, watcher).catch(asRefusal)
        case 'stop':
          return supervisor.stop(request.key, request.reason, request.graceMs)
        case 'usage':
          return supervisor.usage(request.key)
        case 'release':
          return supervisor.release(request.key)
        case 'extend':
          return supervisor.extend(request.keys, request.keepForMs === 0 ? 0 : request.at + request.keepForMs)
        case 'attempts':
          return supervisor.attempts(watcher)
        case 'sweep':
          return supervisor.sweep()
        case 'cool':
          return supervisor.cool()
        case 'goodbye':
          return null
        default:
          throw new Error(`the driver process has no call ${request.op}`)
      }
    },
  }
}

serveAttempts(driverProgram, makeHolder)
