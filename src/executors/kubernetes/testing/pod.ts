/** A simulated pod: the command as a process group of this host; both its streams into one file, as a node keeps them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { V1ContainerState, V1Job, V1ObjectMeta, V1Pod, V1Secret } from '@kubernetes/client-node'

/** As they are here: with a name, what is wanted of them, and how they are. */
export type Made<T> = T & { metadata: V1ObjectMeta & { name: string } }
export type MadeJob = Made<V1Job> & { spec: NonNullable<V1Job['spec']> }
export type MadePod = Made<V1Pod> & { status: NonNullable<V1Pod['status']> }

export interface SimulatedPod {
  object: MadePod
  begin(): void
  /** SIGTERM, then SIGKILL after so many seconds; a second request can make that less. */
  remove(graceSeconds: number): void
  log(response: ServerResponse, follow: boolean): void
}

type Heard = { changed(): void; gone(): void }

export function createPod(
  job: MadeJob,
  name: string,
  dir: string,
  secretNamed: (name: string) => V1Secret | undefined,
  heard: Heard,
): SimulatedPod {
  const template = job.spec.template
  const container = template.spec!.containers[0]!
  const metadata = { name, namespace: job.metadata.namespace, labels: template.metadata!.labels }
  const object: MadePod = { kind: 'Pod', apiVersion: 'v1', metadata, spec: template.spec, status: { phase: 'Pending' } }
  const logFile = join(dir, `${name}.log`)
  const termination = join(dir, `${name}.end`)
  for (const path of [logFile, termination]) writeFileSync(path, '')
  let child: ChildProcess | undefined
  let over = false
  let removing = false
  let killer: NodeJS.Timeout | undefined
  const ended: (() => void)[] = []

  const setState = (phase: string, state: V1ContainerState): void => {
    const { name: of, image: by } = container
    const status = { name: of, state, ready: false, restartCount: 0, image: by!, imageID: '' }
    object.status = { phase, containerStatuses: [status] }
    heard.changed()
  }
  const kill = (signal: NodeJS.Signals, all: boolean): void => {
    if (child?.pid === undefined || over) return
    try {
      process.kill(all ? -child.pid : child.pid, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
  const finish = (exitCode: number, reason: string, message: string): void => {
    over = true
    clearTimeout(killer)
    for (const tell of ended) tell()
    const terminated = { exitCode, reason, message, finishedAt: new Date() }
    setState(exitCode === 0 ? 'Succeeded' : 'Failed', { terminated })
    if (removing) heard.gone()
  }

  return {
    object,
    begin() {
      const image = container.image!
      if (image.startsWith('missing/')) {
        const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` }
        return setState('Pending', { waiting })
      }
      if (image.startsWith('huge/')) {
        const message = '0/1 nodes are available: 1 Insufficient memory.'
        object.status.conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
        return heard.changed()
      }
      const cwd = join(dir, `${name}.home`)
      mkdirSync(cwd)
      const values = Object.entries(secretNamed(container.envFrom![0]!.secretRef!.name!)!.data!)
      const env = Object.fromEntries(values.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
      // As an image has one; the place of the termination log is a file of this host here.
      env.PATH ??= '/usr/local/bin:/usr/bin:/bin'
      if (env.RUNYARD_OUTPUT === container.terminationMessagePath) env.RUNYARD_OUTPUT = termination
      const [program, ...args] = container.command!.map(expanded)
      const log = openSync(logFile, 'a')
      child = spawn(program!, args, { env, cwd, detached: true, stdio: ['ignore', log, log] })
      closeSync(log)
      child.once('error', (error) => finish(128, 'StartError', `exec: "${program}": ${startWords(error)}: unknown`))
      child.once('spawn', () => setState('Running', { running: { startedAt: new Date() } }))
      child.once('exit', (code, signal) => {
        kill('SIGKILL', true)
        const exitCode = code ?? 128 + constants.signals[signal!]
        const oom = image.startsWith('greedy/') && exitCode === 137
        const message = readFileSync(termination).subarray(0, 4096).toString()
        finish(exitCode, oom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error', message)
      })
    },
    remove(graceSeconds) {
      const first = !removing
      removing = true
      if (child === undefined || over) return first ? heard.gone() : undefined
      kill('SIGTERM', false)
      clearTimeout(killer)
      killer = setTimeout(() => kill('SIGKILL', true), Math.min(graceSeconds, 1000) * 1000)
    },
    log(response, follow) {
      let at = 0
      const send = (): Promise<void> =>
        new Promise((resolve) => {
          if (statSync(logFile).size <= at) return resolve()
          const reading = createReadStream(logFile, { start: at })
          reading.on('data', (chunk) => {
            at += chunk.length
            response.write(chunk)
          })
          reading.once('close', resolve)
        })
      void (async () => {
        for (;;) {
          const last = over || !follow
          await send()
          if (last || response.destroyed) break
          await new Promise<void>((resolve) => {
            ended.push(resolve)
            setTimeout(resolve, 20)
          })
        }
        response.end()
      })()
    },
  }
}

const startWords = (error: Error): string =>
  (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'executable file not found in $PATH' : 'permission denied'

/** `$$` is a dollar, `$(NAME)` would be a variable. */
const expanded = (text: string): string => text.replaceAll(/\$\$/g, () => '$')
