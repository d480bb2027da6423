/**
 * The Docker-compatible engine of this host. dockerode for everything but `attach`: it sends its options as the first
 * bytes of a hijacked stream, which here is the order that a container waits for.
 */
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import Docker from 'dockerode'
import { StartRefused } from '../executor.ts'

export interface Engine {
  socket: string
  docker: Docker
  /** Both ways; frames of stdout and stderr come back (`frames.ts`). */
  attach(id: string): Promise<Duplex>
}

export interface EngineAbout {
  name: string
  version: string
  holds: { cpu: boolean; memory: boolean; pids: boolean }
  podman: boolean
}

/** An engine that is asked while it starts containers side by side answers late, podman after seconds. */
const patienceMs = 60_000

export function connectEngine(socket: string): Engine {
  const docker = new Docker({ socketPath: socket })
  return { socket, docker, attach: (id) => attachTo(socket, id) }
}

function attachTo(socketPath: string, id: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asking = request({
      socketPath,
      method: 'POST',
      path: `/v1.40/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
      headers: { connection: 'Upgrade', upgrade: 'tcp', host: 'engine', 'content-length': '0' },
      timeout: patienceMs,
    })
    asking.on('upgrade', (_answer, stream, head) => {
      stream.setTimeout(0)
      if (head.length > 0) stream.unshift(head)
      resolve(stream)
    })
    asking.on('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (more: string) => (text = (text + more).slice(0, 4096)))
      answer.on('end', () => reject(Object.assign(new Error(saidIn(text)), { statusCode: answer.statusCode })))
    })
    asking.on('timeout', () => asking.destroy(new Error('no answer to attach within a minute')))
    asking.on('error', reject)
    asking.end()
  })
}

function saidIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text)
  } catch {
    return text.trim()
  }
}

export async function aboutEngine({ docker }: Engine): Promise<EngineAbout> {
  const [version, info] = (await Promise.all([docker.version(), docker.info()])) as [
    { Version?: string; Components?: { Name?: string }[] },
    Record<string, unknown>,
  ]
  const podman = (version.Components ?? []).some(({ Name }) => /podman/i.test(Name ?? ''))
  const holds = (...names: string[]): boolean => names.some((name) => info[name] === true)
  return {
    name: podman ? 'podman' : 'docker',
    version: version.Version ?? '',
    podman,
    holds: { cpu: holds('CPUCfsQuota', 'CpuCfsQuota'), memory: holds('MemoryLimit'), pids: holds('PidsLimit') },
  }
}

interface EngineError {
  statusCode?: number
  code?: string
  message: string
  json?: { message?: string } | null
}

export const statusOf = (error: unknown): number | undefined => (error as EngineError).statusCode
export const isMissing = (error: unknown): boolean => statusOf(error) === 404

/** The engine's own words, in one line. */
export function wordsOf(error: unknown): string {
  const { message, json } = error as EngineError
  const words = json?.message ?? message.replace(/^\(HTTP code \d+\) [^-]*- /, '')
  return words.replaceAll(/\s+/g, ' ').trim().slice(0, 500)
}

/** It did not answer, so what was asked may or may not have happened. */
export const isGone = (error: unknown): boolean =>
  statusOf(error) === undefined && (error as EngineError).code !== undefined

export function unreachable(socket: string, error: unknown): StartRefused {
  const { code } = error as EngineError
  const fix =
    code === 'EACCES'
      ? 'let the user of the runner open it'
      : 'start it (e.g. systemctl start podman.socket), or set RUNYARD_CONTAINER_ENGINE'
  return new StartRefused(
    'unreachable',
    `the container engine at ${socket} does not answer: ${code ?? wordsOf(error)}; ${fix}`,
  )
}
