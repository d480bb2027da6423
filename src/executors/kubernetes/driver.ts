/** Jobs of the executor `kubernetes`: one Job with one pod for each attempt, through the API of the cluster. */
import { imageAllowed } from '../../job/image-reference.ts'
import type { Driven, Driver, DriversConfig, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type AttemptOrder } from '../executor.ts'
import { deadlineFor, KubernetesAttempt, removeJob, type KubernetesHandle } from './attempt.ts'
import { apiRefusal, codeOf, connectCluster, isGone, wordsOf, type V1Job } from './client.ts'
import { labels, manifestFor, nameFor, type Made } from './manifest.ts'
import { createPods, type Pods } from './pods.ts'
import { shownFiles } from './shown-files.ts'

export function createKubernetesDriver({ kubernetes: settings, tag }: DriversConfig): Driver {
  if (settings === undefined) {
    const why = 'this runner takes no jobs for Kubernetes (its administrator can set RUNYARD_KUBERNETES_CONFIG)'
    throw new StartRefused('refused', why)
  }
  const client = connectCluster(settings.config)
  const podsOf = new Map<string, Pods>()
  const starting = new Map<string, KubernetesAttempt>()
  let version: string | null = null
  let problem: string | undefined
  client.version().then(
    (found) => (version = found),
    (error) => (problem = wordsOf(error)),
  )
  const attemptOf = (key: string, handle: KubernetesHandle, tools: DriveTools): KubernetesAttempt => {
    const { namespace } = handle
    const pods = podsOf.get(namespace) ?? createPods(client, namespace, tag)
    podsOf.set(namespace, pods)
    return new KubernetesAttempt({ key, handle, client, pods, tools })
  }
  const asked = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const answer = await work
      problem = undefined
      return answer
    } catch (error) {
      if (codeOf(error) === null) problem = wordsOf(error)
      throw apiRefusal(error)
    }
  }
  /** Suspended, with its secrets: nothing of it runs. */
  const create = async ({ job, secrets }: Made, namespace: string): Promise<void> => {
    const made: V1Job = await asked(client.batch.createNamespacedJob({ namespace, body: job }))
    const { name, uid } = made.metadata!
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: name!, uid: uid!, controller: true }
    for (const secret of secrets) {
      secret.metadata!.ownerReferences = [owner]
      await asked(client.core.createNamespacedSecret({ namespace, body: secret }))
    }
  }
  const begin = async (key: string, attempt: KubernetesAttempt, startedAt?: number): Promise<Driven> => {
    starting.set(key, attempt)
    try {
      return await attempt.begin(startedAt)
    } catch (error) {
      // A pod that may have begun is waited for: only when it is gone is it certain that it never runs.
      await attempt.clear().catch((trouble: unknown) => {
        throw new AttemptLost(`${(error as Error).message}; and it cannot be removed: ${wordsOf(trouble)}`)
      })
      throw error
    } finally {
      starting.delete(key)
    }
  }

  return {
    kind: 'kubernetes',

    async start(order, tools): Promise<Driven> {
      const namespace = namespaceOf(order, settings.namespaces)
      mayUseImage(order, settings.images)
      const made = manifestFor(order, tag, namespace, { files: await shownFiles(order) })
      const handle: KubernetesHandle = {
        ...{ version: 1, namespace, name: nameFor(tag, order.key), unenforced: made.unenforced },
        secret: Object.keys(order.secretEnv).length > 0,
        program: order.spec.command[0] ?? '',
        outputs: order.spec.outputs === true,
        longestSeconds: Math.ceil((order.timeoutMs + order.stopGraceMs) / 1000) + 60,
      }
      tools.save(handle)
      const released: KubernetesHandle = { ...handle, released: true }
      try {
        await create(made, namespace)
        tools.signal.throwIfAborted()
        tools.save(released)
      } catch (error) {
        await removeJob(client, handle).catch(() => {})
        throw error
      }
      const spec = { suspend: false, activeDeadlineSeconds: deadlineFor(tools.keepForMs(), handle.longestSeconds) }
      await asked(client.patchJob(namespace, handle.name, { spec })).catch(async (error: StartRefused) => {
        // The request may have come through, though its answer did not.
        await removeJob(client, handle).catch(() => {
          throw new AttemptLost(`${error.message}; it may run until its deadline in the cluster`)
        })
        throw error
      })
      return begin(order.key, attemptOf(order.key, released, tools))
    },

    async attach({ key, handle: found, startedAt, order }, tools): Promise<Driven> {
      const handle = found as KubernetesHandle
      const lost = async (why: string): Promise<never> => {
        await removeJob(client, handle)
        throw new AttemptLost(why)
      }
      if (!handle.released) return lost('its driver process was killed before it was started in the cluster')
      if (handle.secret && order === undefined) {
        return lost('its runner and driver process were killed, and with them the secrets that its output is masked by')
      }
      try {
        return await begin(key, attemptOf(key, handle, tools), handle.begun && startedAt)
      } catch (error) {
        if (isGone(error)) throw new AttemptLost('its Job is not in the cluster any more')
        throw error
      }
    },

    async sweep(known) {
      const labelSelector = `${labels.tag}=${tag}`
      let swept = 0
      for (const namespace of settings.namespaces) {
        const { items } = await client.batch.listNamespacedJob({ namespace, labelSelector })
        for (const { metadata } of items) {
          const key = metadata?.labels?.[labels.key]
          if (key !== undefined && known.has(key)) continue
          await removeJob(client, { namespace, name: metadata!.name! })
          swept += 1
        }
      }
      return swept
    },

    state() {
      const trouble = problem ?? [...podsOf.values()].map((pods) => pods.problem()).find(Boolean)
      const waiting = [...starting].map(([key, attempt]) => ({ key, why: attempt.waiting() ?? 'starting' }))
      const [namespace] = settings.namespaces
      return { version, namespace, waiting, ...(trouble !== undefined && { problem: trouble }) }
    },
    async cool() {},
    async close() {
      for (const pods of podsOf.values()) pods.close()
    },
  }
}

function namespaceOf({ spec }: AttemptOrder, allowed: readonly string[]): string {
  const namespace = spec.kubernetes?.namespace ?? allowed[0]
  if (namespace !== undefined && allowed.includes(namespace)) return namespace
  throw new StartRefused(
    'refused',
    `kubernetes.namespace ${namespace ?? ''} is not allowed here (${allowed.join(', ')}; RUNYARD_KUBERNETES_NAMESPACES)`,
  )
}

/** Asked although the server has asked (attack row S6). */
function mayUseImage({ place, spec }: AttemptOrder, patterns: readonly string[]): void {
  const image = place?.container
  if (image === undefined) throw new StartRefused('refused', 'its server has not said which image it gets')
  if (image.name !== null || imageAllowed(image, patterns)) return
  const named = spec.container?.image ?? image.reference
  throw new StartRefused('refused', `image ${named} is not allowed on this runner (RUNYARD_CONTAINER_IMAGES)`)
}
