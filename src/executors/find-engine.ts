/** The Docker-compatible engine of this host, if one answers. */
import { existsSync } from 'node:fs'
import { request } from 'node:http'

/** An engine that is busy with its own start, or a host that is short of CPU, lets it wait. */
const patienceMs = 5_000

/** Where engines usually listen, for this user. */
export function engineSockets(): string[] {
  const runtimeDir = process.env.XDG_RUNTIME_DIR
  const rootless = runtimeDir ? [`${runtimeDir}/docker.sock`, `${runtimeDir}/podman/podman.sock`] : []
  return ['/var/run/docker.sock', '/run/podman/podman.sock', ...rootless].filter((path) => existsSync(path))
}

/** Null: nobody answers there. */
export function engineAt(socketPath: string): Promise<{ socket: string; engine: string; version: string } | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/version', timeout: patienceMs }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => (text += piece.slice(0, 65_536)))
      response.on('error', () => resolve(null))
      response.on('end', () => resolve(read(socketPath, text)))
    })
    asked.on('error', () => resolve(null))
    asked.on('timeout', () => asked.destroy())
    asked.end()
  })
}

function read(socket: string, text: string): Awaited<ReturnType<typeof engineAt>> {
  try {
    const said = JSON.parse(text) as { Version?: string; Components?: { Name?: string }[] }
    const engine = /podman/i.test(said.Components?.[0]?.Name ?? '') ? 'podman' : 'docker'
    return typeof said.Version === 'string' ? { socket, engine, version: said.Version } : null
  } catch {
    return null
  }
}

/** `setting`: a socket, `auto` or `off`. */
export async function findEngine(setting: string): ReturnType<typeof engineAt> {
  if (setting === 'off') return null
  for (const socket of setting === 'auto' ? engineSockets() : [setting]) {
    const found = await engineAt(socket)
    if (found) return found
  }
  return null
}
