/**
 * Entry of the heartbeat thread: its own event loop, its own connection to the server and to the launcher. Whatever the
 * main thread is busy with, leases are renewed and the keeper's deadline moves.
 */
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
  /** Socket of the launcher whose deadlines move with the leases; none in tests without one. */
  launcherSocket?: string
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

let launcher: Promise<Launcher> | undefined
async function extend(refs: AttemptRef[], keepForMs: number): Promise<void> {
  if (setup.launcherSocket === undefined) return
  const keepUntil = monotonicMs() + keepForMs
  launcher ??= connectLauncher({ socketPath: setup.launcherSocket, spawnIfMissing: false })
  const asked = launcher
  try {
    const connected = await asked
    await connected.extend(refs.map(attemptKey), Math.max(1, keepUntil - monotonicMs()))
  } catch (error) {
    if (launcher === asked) launcher = undefined // a new launcher may listen there at the next heartbeat
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
await launcher?.then((connected) => connected.close()).catch(() => {})
port.close()
