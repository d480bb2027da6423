/** Images of containers: a catalogue that administrators keep, and where each image is. */
import * as z from 'zod'
import { imageName, imageReference, pullPolicies } from '../../job/container.ts'
import { scriptKinds } from '../../job/event.ts'
import { base, instant } from './base.ts'

const tags = ['images']

export const imageOpenTo = ['operators', 'admins'] as const
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is no digest: sha256: and 64 hex digits')

const username = z.string().min(1).max(255)
/** Written, never read. */
export const registryCredentials = z
  .strictObject({
    username,
    password: z.string().min(1).max(8192).optional(),
    /** Name of a global secret instead, read anew for each attempt. */
    password_secret: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'is no name of a secret')
      .optional(),
  })
  .refine((one) => (one.password === undefined) !== (one.password_secret === undefined), {
    path: ['password'],
    message: 'give exactly one of password and password_secret',
  })
export const warmSchema = z
  .strictObject({ least: z.int().min(0).max(100), most: z.int().min(0).max(100) })
  .refine(({ least, most }) => least <= most, { path: ['most'], message: 'must not be less than least' })

const warmCounts = z.object({
  /** Containers that wait for a job. */
  waiting: z.int(),
  /** Those of them that became a job's, since the runner's drivers began. */
  used: z.int(),
  hits: z.int(),
  misses: z.int(),
})
const imageSchema = z.object({
  name: z.string(),
  reference: z.string(),
  /** Of the reference; null: the tag says which image it is, and may say another one tomorrow. */
  digest: z.string().nullable(),
  description: z.string().nullable(),
  /** Scripts of events in these languages run in it when they name no image. */
  languages: z.array(z.enum(scriptKinds)),
  pull: z.enum(pullPolicies),
  /** Shown to administrators; `password_secret` null: stored here, and shown to nobody. */
  registry: z.object({ username: z.string(), password_secret: z.string().nullable() }).nullable(),
  /** Containers that each runner keeps ready. */
  warm: z.object({ least: z.int(), most: z.int() }),
  enabled: z.boolean(),
  open_to: z.enum(imageOpenTo),
  /** Why no job may use it although it is enabled, e.g. RUNYARD_CONTAINER_IMAGES. */
  problem: z.string().nullable(),
  /** Runners with a container engine that are online. `present` null: not looked yet, which the first job there does. */
  runners: z.array(z.object({ runner: z.string(), present: z.boolean().nullable(), warm: warmCounts.nullable() })),
  created_at: instant,
  updated_at: instant,
})
export type Image = z.infer<typeof imageSchema>

const engineSchema = z.object({
  runner: z.string(),
  /** `docker`, `podman`; null: none answers, and `problem` says why. */
  engine: z.string().nullable(),
  version: z.string().nullable(),
  problem: z.string().nullable(),
})
export type ContainerEngine = z.infer<typeof engineSchema>

const key = z.strictObject({ name: imageName })

const list = base
  .route({ method: 'GET', path: '/images', tags, summary: 'Images that jobs may name, and the engines of runners' })
  .output(
    z.object({
      images: z.array(imageSchema),
      engines: z.array(engineSchema),
      /** RUNYARD_CONTAINER_IMAGES: references that jobs may name beside these. */
      allowed: z.array(z.string()),
      /** Where scripts of events go that name no executor, and the image of each language. */
      events: z.array(
        z.object({
          language: z.enum(scriptKinds),
          executor: z.enum(['sandbox', 'container']),
          image: z.string().nullable(),
          why: z.string(),
        }),
      ),
    }),
  )
const get = base
  .route({ method: 'GET', path: '/images/{name}', tags, summary: 'One image' })
  .input(key)
  .output(imageSchema)
const put = base
  .route({ method: 'PUT', path: '/images/{name}', tags, summary: 'Make an image or replace it (administrators)' })
  .input(
    z.strictObject({
      name: imageName,
      reference: imageReference,
      description: z.string().max(500).nullable().default(null),
      languages: z.array(z.enum(scriptKinds)).max(scriptKinds.length).default([]),
      pull: z.enum(pullPolicies).default('missing'),
      /** Left out: they stay as they are; null: none. */
      registry: registryCredentials.nullable().optional(),
      warm: warmSchema.default({ least: 0, most: 0 }),
      enabled: z.boolean().default(true),
      open_to: z.enum(imageOpenTo).default('operators'),
    }),
  )
  .output(imageSchema)
const pin = base
  .route({
    method: 'POST',
    path: '/images/{name}/pin',
    tags,
    summary: 'Let the reference name one image for good, by its digest (administrators)',
  })
  .input(
    z.strictObject({
      name: imageName,
      /** Left out: of the image that runners have under this reference; they must agree. */
      digest: digest.optional(),
    }),
  )
  .output(imageSchema)
const remove = base
  .route({
    method: 'DELETE',
    path: '/images/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete an image from the catalogue (administrators); engines keep what they have',
  })
  .input(key)

export const images = { list, get, put, pin, delete: remove }
