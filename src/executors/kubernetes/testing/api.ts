/**
 * A simulated API server of Kubernetes, as much of it as the driver speaks to, whose pods are processes of this host:
 * one for each pod, with the environment of its secret and nothing else. What it does is what the documentation of
 * Kubernetes says; no cluster has been asked. Images: `missing/…` cannot be pulled, `huge/…` finds no node.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { V1Secret } from '@kubernetes/client-node'
import { createPod, type Made, type MadeJob, type SimulatedPod } from './pod.ts'

export interface SimulatedCluster {
  dir: string
  /** A kubeconfig file. */
  config: string
  /** Names of everything that is there. */
  objects(): string[]
  secrets(): Map<string, Made<V1Secret>>
  jobs(): Map<string, MadeJob>
  /** All of a log so far, cut off for those who follow it. */
  cutLogs(): void
  /** A pod that goes without a word. */
  forget(pod: string): void
  /** The next requests of this kind are answered so. */
  failNext(match: RegExp, status: number, times?: number): void
  stop(): Promise<void>
}

export async function startCluster(): Promise<SimulatedCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-kube-'))
  const jobs = new Map<string, MadeJob>()
  const secrets = new Map<string, Made<V1Secret>>()
  const deadlines = new Map<string, NodeJS.Timeout>()
  const pods = new Map<string, SimulatedPod>()
  const watchers = new Set<{ selector: string; response: ServerResponse }>()
  const followers = new Set<ServerResponse>()
  const failures: { match: RegExp; status: number; times: number }[] = []
  /** For a watch that begins at an earlier version, as after a list. */
  const told: { version: number; line: string; object: Made<object> }[] = []
  let version = 1

  const matches = (object: Made<object>, selector: string): boolean =>
    selector.split(',').every((part) => {
      const [name = '', value] = part.split('=')
      return name === '' || object.metadata.labels?.[name] === value
    })
  const tellPod = (type: string, pod: SimulatedPod): void => {
    version += 1
    pod.object.metadata.resourceVersion = String(version)
    const line = `${JSON.stringify({ type, object: pod.object })}\n`
    told.push({ version, line, object: pod.object })
    for (const { selector, response } of watchers) if (matches(pod.object, selector)) response.write(line)
  }
  const release = (job: MadeJob): void => {
    job.status = { startTime: new Date() }
    const name = `${job.metadata.name}-abcde`
    const pod = createPod(job, name, dir, (secret) => secrets.get(secret), {
      changed: () => tellPod('MODIFIED', pod),
      gone: () => {
        pods.delete(name)
        tellPod('DELETED', pod)
      },
    })
    pods.set(name, pod)
    tellPod('ADDED', pod)
    pod.begin()
  }
  const armDeadline = (job: MadeJob): void => {
    const { name } = job.metadata
    clearTimeout(deadlines.get(name))
    const { activeDeadlineSeconds: seconds, suspend } = job.spec
    if (suspend || seconds === undefined) return
    const left = job.status!.startTime!.getTime() + 1000 * seconds - Date.now()
    deadlines.set(
      name,
      setTimeout(() => pods.get(`${name}-abcde`)?.remove(2), left),
    )
  }

  const answer = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const fail = (response: ServerResponse, code: number, message: string): void =>
    answer(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://kube')
    const line = `${request.method} ${url.pathname}`
    const failing = failures.find(({ match, times }) => times > 0 && match.test(line))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
    if (failing) {
      failing.times -= 1
      return fail(response, failing.status, 'as the test wants it')
    }
    if (request.headers.authorization !== 'Bearer simulated') return fail(response, 401, 'Unauthorized')
    if (url.pathname.startsWith('/version'))
      return answer(response, 200, { major: '1', minor: '31', gitVersion: 'v1.31.0-simulated' })
    const [, kind = '', name, part] = /\/namespaces\/[^/]+\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(url.pathname) ?? []
    const selector = url.searchParams.get('labelSelector') ?? ''
    const gone = (): void => fail(response, 404, `${kind} "${name}" not found`)
    if (kind === 'secrets' && request.method === 'POST') {
      secrets.set(body.metadata.name, body)
      return answer(response, 201, body)
    }
    if (kind === 'jobs') {
      const job = jobs.get(name ?? '')
      if (request.method === 'POST') {
        if (jobs.has(body.metadata.name))
          return fail(response, 409, `jobs.batch "${body.metadata.name}" already exists`)
        body.metadata.uid = `uid-${jobs.size + 1}`
        jobs.set(body.metadata.name, body)
        return answer(response, 201, body)
      }
      if (name === undefined) {
        return answer(response, 200, {
          kind: 'JobList',
          items: [...jobs.values()].filter((one) => matches(one, selector)),
        })
      }
      if (job === undefined) return gone()
      if (request.method === 'PATCH') {
        const suspended = job.spec.suspend
        Object.assign(job.spec, body.spec)
        if (suspended && !job.spec.suspend) release(job)
        armDeadline(job)
      }
      if (request.method === 'DELETE') {
        clearTimeout(deadlines.get(name))
        jobs.delete(name)
        for (const secret of [name, `${name}-files`, `${name}-registry`]) secrets.delete(secret)
        pods.get(`${name}-abcde`)?.remove(2)
      }
      return answer(response, 200, job)
    }
    if (kind === 'pods' && name === undefined) {
      if (url.searchParams.get('watch') === 'true') {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.flushHeaders()
        const from = Number(url.searchParams.get('resourceVersion') ?? version)
        for (const one of told) if (one.version > from && matches(one.object, selector)) response.write(one.line)
        const watcher = { selector, response }
        watchers.add(watcher)
        response.once('close', () => watchers.delete(watcher))
        return
      }
      const items = [...pods.values()].map(({ object }) => object).filter((pod) => matches(pod, selector))
      return answer(response, 200, { kind: 'PodList', metadata: { resourceVersion: String(version) }, items })
    }
    if (kind === 'pods') {
      const pod = pods.get(name!)
      if (pod === undefined) return gone()
      if (part === 'log') {
        response.writeHead(200, { 'content-type': 'text/plain' })
        followers.add(response)
        response.once('close', () => followers.delete(response))
        return pod.log(response, url.searchParams.get('follow') === 'true')
      }
      if (request.method === 'DELETE') pod.remove(Number(url.searchParams.get('gracePeriodSeconds') ?? 2))
      return answer(response, 200, pod.object)
    }
    fail(response, 404, `the server could not find the requested resource (${line})`)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => fail(response, 500, error.message))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const config = join(dir, 'kubeconfig')
  const cluster = { name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }
  const user = { name: 'test', user: { token: 'simulated' } }
  const context = { name: 'test', context: { cluster: 'test', user: 'test' } }
  const kubeconfig = { apiVersion: 'v1', kind: 'Config', 'current-context': 'test' }
  writeFileSync(config, JSON.stringify({ ...kubeconfig, clusters: [cluster], users: [user], contexts: [context] }))
  return {
    dir,
    config,
    objects: () => [...jobs.keys(), ...secrets.keys(), ...pods.keys()],
    secrets: () => secrets,
    jobs: () => jobs,
    cutLogs() {
      for (const response of followers) response.destroy()
    },
    forget(name) {
      const pod = pods.get(name)
      pods.delete(name)
      pod?.remove(0)
    },
    failNext: (match, status, times = 1) => void failures.push({ match, status, times }),
    async stop() {
      for (const pod of pods.values()) pod.remove(0)
      for (const timer of deadlines.values()) clearTimeout(timer)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
