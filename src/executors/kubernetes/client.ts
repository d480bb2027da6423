/** The cluster's API by its official client, and its errors in words. */
import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  Log,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node'
import { StartRefused } from '../executor.ts'

export interface ClusterClient {
  batch: BatchV1Api
  core: CoreV1Api
  log: Log
  watch: Watch
  version(): Promise<string>
  patchJob(namespace: string, name: string, body: object): Promise<V1Job>
}

export type { V1Job, V1Pod }

/** `config`: a file, or `in-cluster`. Throws StartRefused when that is none. */
export function connectCluster(config: string): ClusterClient {
  const kube = new KubeConfig()
  try {
    if (config === 'in-cluster') kube.loadFromCluster()
    else kube.loadFromFile(config)
  } catch (error) {
    throw new StartRefused(
      'unreachable',
      `RUNYARD_KUBERNETES_CONFIG (${config}) cannot be used: ${(error as Error).message}`,
    )
  }
  const batch = kube.makeApiClient(BatchV1Api)
  const versions = kube.makeApiClient(VersionApi)
  return {
    batch,
    core: kube.makeApiClient(CoreV1Api),
    log: new Log(kube),
    watch: new Watch(kube),
    version: async () => (await versions.getCode()).gitVersion,
    patchJob: (namespace, name, body) =>
      batch.patchNamespacedJob({ namespace, name, body }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch)),
  }
}

/** HTTP status; null: nobody answered. */
export const codeOf = (error: unknown): number | null => {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? code : null
}
export const isGone = (error: unknown): boolean => codeOf(error) === 404

export function apiRefusal(error: unknown): StartRefused {
  if (error instanceof StartRefused) return error
  const code = codeOf(error)
  const said = wordsOf(error)
  if (code === null || code >= 500 || code === 429 || code === 401) {
    return new StartRefused('unreachable', `Kubernetes does not answer: ${code === null ? said : `${code} ${said}`}`)
  }
  return new StartRefused('refused', `Kubernetes does not take the job: ${said}`)
}

/** Of a Status object, which the client gives as text in its message. */
export function wordsOf(error: unknown): string {
  const { body, message, cause } = error as { body?: unknown; message?: string; cause?: { message?: string } }
  const status = typeof body === 'string' ? parsed(body) : body
  const said = (status as { message?: unknown } | null)?.message
  if (typeof said === 'string') return said
  return [message?.split('\n')[0], cause?.message].filter(Boolean).join(': ')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
