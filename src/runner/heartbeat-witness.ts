/** Test fixture: a server in a thread of its own that counts heartbeats, whatever the test's main thread is doing. */
import { parentPort, workerData } from 'node:worker_threads'
import { createFakeControlPlane } from './fake-control-plane.ts'
import { serveFake } from './fake-server.ts'

const { socketPath, counter } = workerData as { socketPath: string; counter: Int32Array }
const plane = createFakeControlPlane()
const heartbeat = plane.heartbeat.bind(plane)
plane.heartbeat = async (held) => {
  Atomics.add(counter, 0, 1)
  Atomics.store(counter, 1, held.length)
  return { ...(await heartbeat(held)), renewed: held, stale: [] }
}
const server = await serveFake(plane, socketPath)
parentPort!.on('message', () => void server.close().then(() => process.exit()))
parentPort!.postMessage('listening')
