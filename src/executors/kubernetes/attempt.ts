/** One attempt that is a Job of Kubernetes: its pod is watched, its log followed, its deadline there moved with ours. */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driven, DrivenEnd, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type ReportFound } from '../executor.ts'
import { reportFileOf } from '../supervisor/state-file.ts'
import { apiRefusal, isGone, type ClusterClient, type V1Pod } from './client.ts'
import { labels } from './manifest.ts'
import { outputFrames } from './output-frames.ts'
import { followLog } from './pod-log.ts'
import { endOf, endOfGone, failedWithout, hopelessWords, isRunning } from './pod-state.ts'
import { notStarted, terminatedIn, waitingWords } from './pod-state.ts'
import type { Pods } from './pods.ts'

export interface KubernetesHandle {
  version: 1
  namespace: string
  name: string
  /** It may have begun. */
  released?: true
  begun?: true
  secret: boolean
  program: string
  unenforced: string[]
  outputs: boolean
  /** Seconds after which the cluster ends it whatever happens. */
  longestSeconds: number
}

export interface AttemptParts {
  key: string
  handle: KubernetesHandle
  client: ClusterClient
  pods: Pods
  tools: DriveTools
}

/** The end of the log may come after that of the pod. */
const logPatienceMs = 30_000
const goneWithinMs = 30_000
const renewEveryMs = 8_000
/** After a deadline in the cluster: until its Job controller, and then a node, have certainly seen to it. */
const certainMs = 20_000

export class KubernetesAttempt implements Driven {
  startedAt = 0
  readonly unenforced: string[]
  readonly ended: Promise<DrivenEnd>
  readonly #parts: AttemptParts
  readonly #over = Promise.withResolvers<DrivenEnd>()
  readonly #begun = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  readonly #stopLog = new AbortController()
  #pod: V1Pod | undefined
  #log: Promise<string | null> | undefined
  #told: 'TERM' | 'KILL' | null = null
  #terminated = false
  #unfollow: () => void = () => {}
  #renewedAt = -Infinity
  #jobStartedAt = 0
  /** The latest deadline that the cluster may have of us; `performance.now()`. */
  #deadlineAt = 0
  #watchdog: NodeJS.Timeout | undefined
  /** It ran before this driver process did. */
  #found = false
  #cleared: Promise<void> | undefined

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.unenforced = parts.handle.unenforced
    this.ended = this.#over.promise
    for (const one of [this.#over, this.#begun]) (one.promise as Promise<unknown>).catch(() => {})
  }

  /** Why it does not run yet. */
  waiting(): string | null {
    return this.#pod === undefined ? 'its pod is not there yet' : waitingWords(this.#pod)
  }

  /** Its Job is released: until its command runs. `startedAt`: of one that was found. */
  async begin(startedAt?: number): Promise<this> {
    const { tools, pods, key, handle } = this.#parts
    this.#found = startedAt !== undefined
    this.#expect(tools.keepForMs())
    const job = await this.#readJob()
    this.#jobStartedAt = job.status?.startTime ? new Date(job.status.startTime).getTime() : Date.now()
    this.#unfollow = pods.follow(key, (pod, gone) => this.#heard(pod, gone))
    const stopped = (): void =>
      this.#begun.reject(new StartRefused('refused', `it was stopped before it ran (${this.waiting() ?? 'starting'})`))
    // One that runs is stopped by signals, also while it is looked for.
    if (startedAt === undefined) tools.signal.addEventListener('abort', stopped)
    if (startedAt === undefined && tools.signal.aborted) stopped()
    const looking = setInterval(() => void this.#look(), 2_000)
    this.#watchdog = setInterval(() => this.#giveUp(), 5_000).unref()
    const stopWatchdog = (): void => clearInterval(this.#watchdog)
    this.ended.then(stopWatchdog, stopWatchdog)
    try {
      await this.#begun.promise
    } finally {
      clearInterval(looking)
      tools.signal.removeEventListener('abort', stopped)
    }
    this.startedAt = startedAt ?? Date.now()
    tools.save({ ...handle, begun: true })
    tools.onExtended(() => void this.#renew())
    return this
  }

  /** One that runs is asked for until the cluster has certainly ended it. */
  async #readJob() {
    const { client, handle } = this.#parts
    for (;;) {
      try {
        return await client.batch.readNamespacedJob(handle)
      } catch (error) {
        const away = apiRefusal(error).errorClass === 'unreachable'
        if (!this.#found || !away || performance.now() > this.#deadlineAt + certainMs) throw error
        await sleep(1_000)
      }
    }
  }

  /** A Job that fails without ever having had a pod: a quota, an admission controller. */
  async #look(): Promise<void> {
    const { client, handle } = this.#parts
    try {
      const { status } = await client.batch.readNamespacedJob(handle)
      const failed = status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True')
      if (this.#found && this.#pod === undefined) {
        const labelSelector = `${labels.key}=${this.#parts.key}`
        const { items } = await client.core.listNamespacedPod({ namespace: handle.namespace, labelSelector })
        if (items.length === 0) this.#vanished('its pod is not in the cluster any more, and nobody saw how it ended')
      } else if (failed && this.#pod === undefined) {
        this.#begun.reject(
          new StartRefused('infrastructure', `it never ran: ${failed.reason}: ${failed.message ?? ''}`),
        )
      }
    } catch (error) {
      if (isGone(error)) this.#vanished('its Job was deleted in the cluster')
    }
  }

  #heard(pod: V1Pod, gone: boolean): void {
    this.#pod = pod
    const terminated = terminatedIn(pod)
    if (terminated) {
      const refusal = notStarted(terminated, this.#parts.handle.program)
      if (refusal) {
        this.#begun.reject(refusal)
        this.#over.reject(refusal)
      } else {
        this.#startLog(pod)
        this.#begun.resolve()
        void this.#finish(endOf(terminated), terminated.message)
      }
    } else if (isRunning(pod)) {
      this.#startLog(pod)
      this.#begun.resolve()
    } else if (failedWithout(pod)) {
      this.#vanished(`its pod failed: ${[pod.status?.reason, pod.status?.message].filter(Boolean).join(': ')}`)
    } else {
      const why = hopelessWords(pod)
      if (why !== null) this.#begun.reject(new StartRefused('refused', why))
    }
    if (gone) {
      this.#gone.resolve()
      this.#vanished('its pod was deleted in the cluster, and nobody saw how it ended')
    }
  }

  #startLog(pod: V1Pod): void {
    const { client, handle, tools } = this.#parts
    this.#log ??= followLog({
      ...{ client, namespace: handle.namespace, pod: pod.metadata!.name!, signal: this.#stopLog.signal },
      output: (stream, bytes) => tools.output(stream, bytes),
      isOver: () => this.#terminated,
    })
  }

  async #finish(end: DrivenEnd, message = ''): Promise<void> {
    if (this.#terminated) return
    this.#terminated = true
    await this.#logRead()
    const report = this.#parts.handle.outputs ? await this.#outputs(message) : undefined
    this.#over.resolve(report === undefined ? end : { ...end, report })
  }

  #vanished(why: string): void {
    this.#begun.reject(this.#found ? new AttemptLost(why) : new StartRefused('infrastructure', `it never ran: ${why}`))
    if (this.#terminated) return
    this.#terminated = true
    void this.#logRead().then(() => {
      try {
        this.#over.resolve(endOfGone(this.#told, why))
      } catch (error) {
        this.#over.reject(error)
      }
    })
  }

  async #logRead(): Promise<void> {
    const late = setTimeout(() => this.#stopLog.abort(), logPatienceMs)
    await this.#log?.catch(() => {})
    clearTimeout(late)
  }

  async #outputs(message: string): Promise<ReportFound> {
    const path = reportFileOf(this.#parts.tools.config.dir, this.#parts.key)
    try {
      await writeFile(path, outputFrames(message), { mode: 0o600 })
      return { path }
    } catch (error) {
      return { path: null, trouble: `cannot be kept on the runner's disk: ${(error as Error).message}` }
    }
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    const name = this.#pod?.metadata?.name
    if (this.#terminated || name === undefined) return
    this.#told = which
    const { client, handle } = this.#parts
    // SIGTERM at once, SIGKILL when the grace is over; a second request makes it shorter. 0 would only forget the pod.
    const gracePeriodSeconds = which === 'TERM' ? 3 * 3600 : 1
    await client.core
      .deleteNamespacedPod({ namespace: handle.namespace, name, gracePeriodSeconds })
      .catch((error: unknown) => {
        if (!isGone(error)) throw error
      })
  }

  /** Nobody here any more: then the cluster ends it when our keeper would have. */
  async #renew(): Promise<void> {
    if (performance.now() - this.#renewedAt < renewEveryMs || this.#terminated) return
    this.#renewedAt = performance.now()
    const { client, handle, tools } = this.#parts
    const elapsed = Math.max(0, Date.now() - this.#jobStartedAt)
    this.#expect(tools.keepForMs())
    const activeDeadlineSeconds = deadlineFor(elapsed + tools.keepForMs(), handle.longestSeconds)
    await client.patchJob(handle.namespace, handle.name, { spec: { activeDeadlineSeconds } }).catch(() => {
      this.#renewedAt = -Infinity
    })
  }

  #expect(ms: number): void {
    this.#deadlineAt = Math.max(this.#deadlineAt, performance.now() + ms)
  }

  /** Nobody in the cluster answers any more: what ran there is certainly ended some time after its last deadline. */
  #giveUp(): void {
    const away = this.#parts.pods.problem()
    if (away === undefined || performance.now() < this.#deadlineAt + certainMs) return
    this.#told = null
    this.#vanished(`the cluster does not answer (${away}), and its deadline there has passed`)
  }

  async usage(): Promise<Record<string, never>> {
    return {}
  }

  clear(): Promise<void> {
    this.#cleared ??= this.#remove()
    this.#cleared.catch(() => (this.#cleared = undefined))
    return this.#cleared
  }

  async #remove(): Promise<void> {
    const { client, handle } = this.#parts
    await removeJob(client, handle)
    if (this.#pod !== undefined) {
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(new Error('its pod does not go away')), goneWithinMs)
      await Promise.race([this.#gone.promise, late.promise]).finally(() => clearTimeout(timer))
    }
    this.#stopLog.abort()
    this.#unfollow()
  }
}

export const deadlineFor = (ms: number, longestSeconds: number): number =>
  Math.max(1, Math.min(longestSeconds, Math.ceil(ms / 1000)))

/** With its pod, which gets a second, and its secrets, which are its own. */
export async function removeJob(
  client: ClusterClient,
  { namespace, name }: { namespace: string; name: string },
): Promise<void> {
  try {
    await client.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: 'Background' })
  } catch (error) {
    if (!isGone(error)) throw error
  }
}
