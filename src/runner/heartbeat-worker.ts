/**
 * Entry of the heartbeat thread: its own event loop, its own connection to the server and to the launcher. Whatever the
 * main thread is busy with, leases are renewed and the keeper's deadline moves.
 */
import { existsSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { connectLauncher } from '../executors/launcher/client.ts'
import type { Launcher } from '../executors/launcher/launcher.ts'
import { isAppError } from '../lib/app-error.ts'
import { attemptKey, type AttemptRef, type HeartbeatAnswer } from './control-plane.ts'
import { monotonicMs } from './clock.ts'
import { connectToServer, type RunnerIdentity } from './grpc-control-plane.ts'
import type { ServerAddress } from './server-address.ts'
import { beat } from './heartbeat-loop.ts'

export interface HeartbeatSetup {
  address: ServerAddress
  identity: RunnerIdentity
  heartbeatMs: number
  keepForMs: number
  /** The main thread counts as stuck after this much silence. */
  silenceMs: number
  /**
   * Sockets of those that hold attempts, whose deadlines move with the leases: the launcher's, then the driver process's,
   * which is there when it is needed. None in tests without.
   */
  holderSockets?: string[]
}
export type ToHeartbeats =
  | { type: 'held'; held: AttemptRef[] }
  | { type: 'alive' }
  | { type: 'renewed' }
  | { type: 'stop' }
export type FromHeartbeats =
  | { type: 'answer'; answer: HeartbeatAnswer; keepUntil: number }
  | { type: 'failure'; code: string; message: string }

const setup = workerData as HeartbeatSetup
const port = parentPort!
const say = (message: FromHeartbeats) => port.postMessage(message)
const stop = new AbortController()
const deadlineMs = Math.min(10_000, setup.heartbeatMs)
// A dead link must be found while there is time for another one before the lease ends.
const silenceMs = Math.max(2_000, Math.min(10_000, setup.heartbeatMs))
const server = connectToServer(setup.address, { identity: setup.identity, deadlineMs, silenceMs })

let held: AttemptRef[] = []
let lastSign = monotonicMs()
port.on('message', (message: ToHeartbeats) => {
  lastSign = monotonicMs()
  if (message.type === 'held') held = message.held
  if (message.type === 'renewed') server.renewed()
  if (message.type === 'stop') stop.abort()
})

const holders = new Map<string, Promise<Launcher>>()
async function extend(refs: AttemptRef[], keepForMs: number): Promise<void> {
  const keepUntil = monotonicMs() + keepForMs
  const sockets = (setup.holderSockets ?? []).filter((path, i) => i === 0 || existsSync(path))
  await Promise.all(sockets.map((path) => extendAt(path, refs, keepUntil)))
}

async function extendAt(socketPath: string, refs: AttemptRef[], keepUntil: number): Promise<void> {
  const asked = holders.get(socketPath) ?? connectLauncher({ socketPath, spawnIfMissing: false })
  holders.set(socketPath, asked)
  try {
    const connected = await asked
    await connected.extend(refs.map(attemptKey), Math.max(1, keepUntil - monotonicMs()))
  } catch (error) {
    // A new one may listen there at the next heartbeat.
    if (holders.get(socketPath) === asked) holders.delete(socketPath)
    throw error
  }
}

await beat({
  heartbeatMs: setup.heartbeatMs,
  keepForMs: setup.keepForMs,
  held: () => held,
  send: (refs) => server.heartbeat(refs),
  extend,
  onAnswer: (answer, keepUntil) => say({ type: 'answer', answer, keepUntil }),
  onFailure: (error) =>
    say({ type: 'failure', code: isAppError(error) ? error.code : 'internal', message: String(error) }),
  mainIsAlive: () => monotonicMs() - lastSign < setup.silenceMs,
  signal: stop.signal,
})
server.close()
await Promise.all([...holders.values()].map((one) => one.then((connected) => connected.close()).catch(() => {})))
port.close()
