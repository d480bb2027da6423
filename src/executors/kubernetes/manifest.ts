/** One attempt as a Job of Kubernetes: as closed as the sandbox, one pod, never a second one. */
import type { V1Job, V1Secret } from '@kubernetes/client-node'
import type { Limits } from '../../job/spec.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'

export const labels = { tag: 'runyard.tag', key: 'runyard.key', network: 'runyard.network' } as const
export const container = 'job'
/** What its pod is given on SIGTERM when the cluster ends it by its own deadline. */
const graceSeconds = 2
/** Of one that nobody cleared away. */
const ttlSeconds = 3600
export const homePlace = '/job'
/** What is written there comes with the end of a pod: at most 4096 bytes. */
export const outputPlace = '/dev/termination-log'

export const nameFor = (tag: string, key: string): string => `runyard-${tag}-${key}`

export interface Made {
  job: V1Job
  /** Without its owner. */
  secrets: V1Secret[]
  unenforced: string[]
}

export interface Files {
  /** Path below `/runyard` → contents. */
  files: Map<string, Buffer>
}

export function manifestFor(order: AttemptOrder, tag: string, namespace: string, { files }: Files): Made {
  const { spec, limits } = order
  const unenforced = unheld(order)
  const name = nameFor(tag, order.key)
  const { user = '65534:65534', read_only_root: readOnly = false } = spec.container ?? {}
  const [uid, gid = uid] = user.split(':').map(Number)
  const meta = { [labels.tag]: tag, [labels.key]: order.key, [labels.network]: spec.network }
  const registry = order.place?.container?.registry
  const image = order.place?.container?.reference ?? spec.container!.image!
  const amounts = {
    cpu: `${Math.ceil(limits.cpu * 1000)}m`,
    memory: String(limits.memory_bytes),
    // The work directory, /tmp, and what it writes elsewhere.
    'ephemeral-storage': String(3 * limits.disk_bytes),
  }
  const env = {
    ...{ HOME: homePlace, TMPDIR: '/tmp', LANG: 'C.UTF-8' },
    ...order.env,
    ...order.secretEnv,
    ...(spec.outputs ? { RUNYARD_OUTPUT: outputPlace } : {}),
  }
  const size = String(limits.disk_bytes)
  const fileItems = [...files.keys()].map((path, i) => ({ key: `file-${i}`, path, mode: 0o444 }))
  const job: V1Job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels: meta },
    spec: {
      // Nothing runs before its secret is there, and its end is known to be reached.
      suspend: true,
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      ttlSecondsAfterFinished: ttlSeconds,
      template: {
        metadata: { labels: meta },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          // So the command is not process 1, which would not hear SIGTERM.
          shareProcessNamespace: true,
          terminationGracePeriodSeconds: graceSeconds,
          ...(spec.kubernetes?.service_account && { serviceAccountName: spec.kubernetes.service_account }),
          ...(spec.kubernetes?.node_selector && { nodeSelector: spec.kubernetes.node_selector }),
          ...(registry && { imagePullSecrets: [{ name: `${name}-registry` }] }),
          securityContext: {
            ...{ runAsNonRoot: true, runAsUser: uid!, runAsGroup: gid!, fsGroup: gid! },
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: container,
              image,
              imagePullPolicy: pullPolicy[order.place?.container?.pull ?? 'missing'],
              command: spec.command.map(literal),
              workingDir: homePlace,
              envFrom: [{ secretRef: { name } }],
              terminationMessagePath: outputPlace,
              resources: { limits: amounts, requests: amounts },
              securityContext: {
                ...{ allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: readOnly },
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                { name: 'home', mountPath: homePlace },
                { name: 'tmp', mountPath: '/tmp' },
                ...(fileItems.length > 0 ? [{ name: 'files', mountPath: '/runyard', readOnly: true }] : []),
              ],
            },
          ],
          volumes: [
            { name: 'home', emptyDir: { sizeLimit: size } },
            { name: 'tmp', emptyDir: { sizeLimit: size } },
            ...(fileItems.length > 0
              ? [{ name: 'files', secret: { secretName: `${name}-files`, items: fileItems } }]
              : []),
          ],
        },
      },
    },
  }
  const secret = (suffix: string, data: [string, string | Buffer][], type = 'Opaque'): V1Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}${suffix}`, namespace, labels: meta },
    type,
    immutable: true,
    data: Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value as string).toString('base64')])),
  })
  const secrets = [secret('', Object.entries(env))]
  if (files.size > 0)
    secrets.push(
      secret(
        '-files',
        [...files.values()].map((bytes, i) => [`file-${i}`, bytes]),
      ),
    )
  if (registry) secrets.push(registrySecret(registry, image, secret))
  return { job, secrets, unenforced }
}

const pullPolicy = { missing: 'IfNotPresent', always: 'Always', never: 'Never' } as const

/** Kubernetes would fill in `$(NAME)`. */
const literal = (argument: string): string => argument.replaceAll('$', () => '$$')

function registrySecret(
  { username, password }: { username: string; password: string },
  image: string,
  secret: (suffix: string, data: [string, string][], type: string) => V1Secret,
): V1Secret {
  const [first = ''] = image.split('/')
  const server = image.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'https://index.docker.io/v1/'
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  const config = JSON.stringify({ auths: { [server]: { username, password, auth } } })
  return secret('-registry', [['.dockerconfigjson', config]], 'kubernetes.io/dockerconfigjson')
}

/** Throws StartRefused for what was named and no pod can be told. */
function unheld({ limits, named, spec }: AttemptOrder): string[] {
  const unenforced: string[] = []
  for (const limit of ['pids', 'open_files', 'io_bytes_per_second'] as (keyof Limits)[]) {
    if (limits[limit] === undefined) continue
    if (named.includes(limit)) {
      throw new StartRefused('refused', `limits.${limit} cannot be held: a pod cannot be told; leave it out`)
    }
    unenforced.push(limit)
  }
  if (spec.junit || spec.artifacts) {
    const field = spec.junit ? 'junit' : 'artifacts'
    throw new StartRefused('refused', `${field} of a job on Kubernetes cannot be read: store them from the job itself`)
  }
  if (spec.artifacts_from && Object.keys(spec.artifacts_from).length > 0) {
    throw new StartRefused('refused', 'artifacts_from cannot be shown to a pod: fetch them in the job itself')
  }
  if (spec.working_dir !== undefined) {
    throw new StartRefused('refused', 'working_dir is a directory of a runner, and a pod has none: leave it out')
  }
  return unenforced
}
