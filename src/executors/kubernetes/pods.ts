/** The pods of our jobs in one namespace: a list, then a watch that goes on from there; a new list when it breaks. */
import type { ClusterClient, V1Pod } from './client.ts'
import { labels } from './manifest.ts'

/** Null: it is not there any more. */
export type PodListener = (pod: V1Pod, gone: boolean) => void

export interface Pods {
  /** Hears of its pod at once if there is one. The answer takes the listener away. */
  follow(key: string, listener: PodListener): () => void
  problem(): string | undefined
  close(): void
}

const againMs = { after: 250, failed: 2_000 }
/** A watch may lose its server without a word. */
const listAgainMs = 15_000

export function createPods(client: ClusterClient, namespace: string, tag: string): Pods {
  const labelSelector = `${labels.tag}=${tag}`
  const listeners = new Map<string, Set<PodListener>>()
  const known = new Map<string, V1Pod>()
  let watching: AbortController | null = null
  let running = false
  let closed = false
  let problem: string | undefined
  let wake: () => void = () => {}

  const tell = (pod: V1Pod, gone: boolean): void => {
    const key = pod.metadata?.labels?.[labels.key]
    if (key === undefined) return
    if (gone) known.delete(key)
    else known.set(key, pod)
    for (const listener of listeners.get(key) ?? []) listener(pod, gone)
  }

  async function list(): Promise<string | undefined> {
    const { items, metadata } = await client.core.listNamespacedPod({ namespace, labelSelector })
    const there = new Set(items.map((pod) => pod.metadata?.labels?.[labels.key]))
    for (const [key, pod] of known) if (!there.has(key)) tell(pod, true)
    for (const pod of items) tell(pod, false)
    return metadata?.resourceVersion
  }

  async function watchFrom(resourceVersion: string | undefined): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods`
    const done = Promise.withResolvers<void>()
    const onEvent = (phase: string, pod: V1Pod): void => {
      if (phase === 'ERROR') done.resolve()
      else if (phase !== 'BOOKMARK') tell(pod, phase === 'DELETED')
    }
    watching = await client.watch.watch(path, { labelSelector, resourceVersion }, onEvent, () => done.resolve())
    const late = setTimeout(() => done.resolve(), listAgainMs)
    await done.promise
    clearTimeout(late)
    watching.abort()
    watching = null
  }

  async function run(): Promise<void> {
    running = true
    while (!closed && listeners.size > 0) {
      let pause = againMs.after
      try {
        const version = await list()
        problem = undefined
        await watchFrom(version)
      } catch (error) {
        problem = (error as Error).message.split('\n')[0]
        pause = againMs.failed
      }
      if (closed || listeners.size === 0) break
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause)
        wake = () => (clearTimeout(timer), resolve())
      })
    }
    known.clear()
    running = false
  }

  return {
    follow(key, listener) {
      const all = listeners.get(key) ?? new Set()
      listeners.set(key, all.add(listener))
      const pod = known.get(key)
      if (pod) listener(pod, false)
      if (!running) void run()
      return () => {
        all.delete(listener)
        if (all.size > 0) return
        listeners.delete(key)
        if (listeners.size === 0) watching?.abort()
      }
    },
    problem: () => problem,
    close() {
      closed = true
      watching?.abort()
      wake()
    },
  }
}
