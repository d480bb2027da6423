/**
 * The launcher process: one per runner, outlives it, and is the supervisor of its attempts. It starts them, records
 * their output, holds their limits and their time, and kills those whose deadline nobody extends. Jobs live and die with
 * it.   `node main.ts SOCKET [--with-client]`
 */
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutorConfig } from '../supervisor/check.ts'
import { Supervisor } from '../supervisor/supervisor.ts'
import { groundToWire } from '../sandbox/ground.ts'
import { asRefusal } from './as-refusal.ts'
import { chainStarter } from './chain-starter.ts'
import { claimDelegatedCgroup } from './delegated-cgroup.ts'
import { launcherProgram } from './instance.ts'
import { perlStarter } from './perl-starter.ts'
import type { Begun, Request } from './protocol.ts'
import { serveAttempts, type Holder, type Session } from './serve.ts'

/** The paths of a job that is being started may lie on a file system that hangs. */
const startsMs = 2000

const configOf = ({ config }: Session): ExecutorConfig => {
  if (config === null) throw new Error('configure comes before any call about attempts')
  return config as ExecutorConfig
}

function makeHolder(onIdle: () => void, socketPath: string): Holder {
  const runDir = dirname(socketPath)
  const supervisor = new Supervisor({
    runDir,
    delegatedCgroup: claimDelegatedCgroup(),
    makeStarter: async (events) => (await perlStarter(events)) ?? chainStarter(runDir, events),
    onIdle,
  })
  const starts = new Set<Promise<unknown>>()
  const startOf = ({ order, at }: Extract<Request, { op: 'start' }>, session: Session): Promise<Begun> => {
    const { watcher } = session
    return supervisor.start({ order, keepUntil: at + order.keepForMs, config: configOf(session), watcher })
  }
  const noted = (start: Promise<unknown>): Promise<unknown> => {
    starts.add(start)
    return start.finally(() => starts.delete(start))
  }
  return {
    running: () => supervisor.running,
    unwatch: (watcher) => supervisor.unwatch(watcher),
    close: () => supervisor.close(),
    async killAll() {
      await supervisor.killAll()
      // One that was being started just now is there only after its answer.
      await Promise.race([Promise.all(starts), sleep(startsMs)])
      await supervisor.killAll()
    },
    async answer(request, session) {
      switch (request.op) {
        case 'hello':
          return { pid: process.pid, starter: await supervisor.starterPid(), warm: supervisor.warm }
        case 'ground':
          return groundToWire(await supervisor.ground())
        case 'configure':
          return supervisor.configure(configOf(session))
        case 'start':
          return noted(startOf(request, session).catch(asRefusal))
        case 'stop':
          return supervisor.stop(request.key, request.reason, request.graceMs)
        case 'usage':
          return supervisor.usage(request.key)
        case 'release':
          return supervisor.release(request.key)
        case 'extend':
          return supervisor.extend(request.keys, request.keepForMs === 0 ? 0 : request.at + request.keepForMs)
        case 'attempts':
          return supervisor.attempts(session.watcher)
        case 'sweep':
          return supervisor.sweep(configOf(session).attemptsDir)
        case 'cool':
          return supervisor.cool()
        case 'goodbye':
          return null
        default:
          throw new Error(`the launcher has no call ${request.op}`)
      }
    },
  }
}

serveAttempts(launcherProgram, makeHolder)
