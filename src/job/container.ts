/** What a job says of its container, and what its runner is told besides. Names of fields are the wire's. */
import * as z from 'zod'

/** Of a catalogue entry (`runyard image`). */
export const imageName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    'is no name of an image here: lower-case letters, digits, . _ and - only; see runyard image ls',
  )
/** As engines write it: `[registry/]path[:tag][@sha256:…]`. */
export const imageReference = z
  .string()
  .max(512)
  .regex(
    /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'is no image reference, e.g. docker.io/library/python:3.12-slim@sha256:…',
  )

export const pullPolicies = ['missing', 'always', 'never'] as const
export type PullPolicy = (typeof pullPolicies)[number]

const networkName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'is no name of an engine network')
const volumeName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$/, 'is no name of an engine volume')

export const containerSchema = z.strictObject({
  /** Name of a catalogue entry, or a reference (with a `/`, a tag or a digest) that RUNYARD_CONTAINER_IMAGES allows. */
  image: z.string().min(1).max(512).optional(),
  /** `uid` or `uid:gid`; 65534:65534 when left out, whatever the image says. */
  user: z
    .string()
    .regex(/^\d{1,9}(?::\d{1,9})?$/, 'must be uid or uid:gid, in digits')
    .refine((user) => !/^0+(?::|$)/.test(user), 'must not be uid 0')
    .optional(),
  /** True when left out: nothing but the work directory, /tmp and what is bound read-write can be written to. */
  read_only_root: z.boolean().optional(),
  /** `bridge`, or a network that exists; under RUNYARD_CONTAINER_NETWORKS. Without it, `network` says. */
  network: networkName.optional(),
  /** Named volumes that exist, under RUNYARD_CONTAINER_VOLUMES. */
  volumes: z
    .array(
      z.strictObject({
        name: volumeName,
        path: z
          .string()
          .max(4096)
          .regex(/^\/[^\0]*$/, 'must be an absolute path')
          .refine((path) => !path.split('/').includes('..'), 'must not contain ..'),
        mode: z.enum(['ro', 'rw']).default('ro'),
      }),
    )
    .max(32)
    .optional(),
})
export type ContainerSpec = z.output<typeof containerSchema>

/** What the server tells the runner of a job's image, anew for each attempt. */
export interface ContainerOrder {
  /** Of the catalogue; null when the job named a reference. */
  name: string | null
  reference: string
  pull: PullPolicy
  /** Of the registry; never on disk, never logged. */
  registry?: { username: string; password: string }
  /** Containers of this image that wait for a job: the runner keeps between these numbers ready, as demand says. */
  warm?: { least: number; most: number }
}
