/**
 * The Docker-compatible engine of this host. dockerode for everything but streams of output: with `attach` it sends its
 * options as the first bytes, which here are the order that a container waits for.
 */
import { request, type IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import Docker from 'dockerode'
import { StartRefused } from '../executor.ts'

export interface Engine {
  socket: string
  docker: Docker
  /** Both ways; frames of stdout and stderr come back (`frames.ts`). */
  attach(id: string): Promise<Duplex>
  /** What it kept of both streams, as the same frames; not held in memory, as dockerode would. */
  logs(id: string, follow: boolean): Promise<Readable>
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
  return { socket, docker, attach: (id) => attachTo(socket, id), logs: (id, follow) => logsOf(socket, id, follow) }
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
    asking.on('response', (answer) => void refusalIn(answer).then(reject))
    asking.on('timeout', () => asking.destroy(new Error('no answer to attach within a minute')))
    asking.on('error', reject)
    asking.end()
  })
}

function logsOf(socketPath: string, id: string, follow: boolean): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const path = `/v1.40/containers/${id}/logs?stdout=1&stderr=1&follow=${follow ? 1 : 0}`
    const asking = request({ socketPath, path, headers: { host: 'engine' } }, (answer) => {
      if (answer.statusCode === 200) resolve(answer)
      else void refusalIn(answer).then(reject)
    })
    asking.on('error', reject)
    asking.end()
  })
}

async function refusalIn(answer: IncomingMessage): Promise<Error> {
  let text = ''
  answer.setEncoding('utf8')
  try {
    for await (const more of answer) text = (text + more).slice(0, 4096)
  } catch {
    // Its status says enough.
  }
  return Object.assign(new Error(saidIn(text)), { statusCode: answer.statusCode })
}

function saidIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text)
  } catch {
    return text.trim()
  }
}

export async function aboutEngine(engine: Engine): Promise<EngineAbout> {
  const [podman, info] = await Promise.all([
    isPodman(engine.socket),
    engine.docker.info() as Promise<Record<string, unknown>>,
  ])
  const holds = (...names: string[]): boolean => names.some((name) => info[name] === true)
  return {
    name: podman ? 'podman' : 'docker',
    version: String(info.ServerVersion ?? ''),
    podman,
    holds: { cpu: holds('CPUCfsQuota', 'CpuCfsQuota'), memory: holds('MemoryLimit'), pids: holds('PidsLimit') },
  }
}

/** Asking for its version costs podman three programs, 400 ms. */
function isPodman(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: '/_ping', headers: { host: 'engine' } }, (answer) => {
      answer.resume()
      resolve(answer.headers['libpod-api-version'] !== undefined)
    })
    asking.on('error', reject)
    asking.end()
  })
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
