/** The helper API of an attempt on its host: a unix socket there, whose connections end at the one here. */
import { connect as connectSocket } from 'node:net'
import type { ClientChannel, UNIXConnectionDetails } from 'ssh2'
import type { SshConnection } from '../../ssh/connect.ts'

/** By connection: path there → path here. */
const forwarded = new WeakMap<SshConnection, Map<string, string>>()

/** Rejects when the host forwards none. */
export function forwardSocket(connection: SshConnection, there: string, here: string): Promise<void> {
  const paths = pathsOf(connection)
  paths.set(there, here)
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      paths.delete(there)
      reject(error)
    }
    try {
      // A socket's path is at most 107 bytes long.
      if (Buffer.byteLength(there) > 100) throw new Error('its path is too long')
      connection.client.openssh_forwardInStreamLocal(there, (error) => (error ? refuse(error) : resolve()))
    } catch (error) {
      refuse(error as Error)
    }
  })
}

export function unforwardSocket(connection: SshConnection, there: string): void {
  if (!forwarded.get(connection)?.delete(there)) return
  try {
    connection.client.openssh_unforwardInStreamLocal(there, () => {})
  } catch {
    // The connection is gone, and it with it.
  }
}

function pathsOf(connection: SshConnection): Map<string, string> {
  const known = forwarded.get(connection)
  if (known) return known
  const paths = new Map<string, string>()
  forwarded.set(connection, paths)
  connection.client.on('unix connection', ({ socketPath }: UNIXConnectionDetails, accept, reject) => {
    const here = paths.get(socketPath)
    if (here === undefined) reject()
    else join(accept() as unknown as ClientChannel, here)
  })
  return paths
}

/** Whoever is there tries again when nobody is here just now: its runner is being restarted. */
function join(channel: ClientChannel, here: string): void {
  const socket = connectSocket({ path: here, allowHalfOpen: true })
  socket.on('error', () => channel.close())
  channel.on('error', () => socket.destroy())
  channel.on('close', () => socket.destroy())
  channel.pipe(socket)
  socket.pipe(channel)
}
