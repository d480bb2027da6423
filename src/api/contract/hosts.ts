/**
 * Hosts of the executor `ssh`. Their credentials are written, never read. What the terminal of one carries stands at the
 * end; its route is beside the API (`rest/terminal-route.ts`).
 */
import * as z from 'zod'
import { hostAddress, hostLimits, hostName, hostUser } from '../../job/host.ts'
import { labelsSchema, labelText } from '../../job/labels.ts'
import { base, instant, publicId, queryInt, queryList } from './base.ts'

const tags = ['hosts']
const onlyName = z.strictObject({ name: hostName })

export const hostStates = ['ready', 'unconfirmed', 'key_changed', 'disabled'] as const
export type HostState = (typeof hostStates)[number]
export const breakerStates = ['closed', 'open', 'half_open'] as const
export const hostOpenTo = ['operators', 'admins'] as const

/** As `ssh-keygen -l` prints it. */
export const fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'is no fingerprint, e.g. SHA256: and 43 letters, as ssh-keygen -l prints it')
/** Lines of a known_hosts file; those of other hosts are passed over. */
const knownHosts = z.string().min(1).max(262_144)
const accept = z.array(fingerprint).min(1).max(10)

const shownKey = z.object({ type: z.string(), fingerprint: z.string() })
export type HostKey = z.infer<typeof shownKey>

const secretText = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((text) => !text.includes('\0'), 'must not contain a NUL character')
export const hostAuth = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('key'),
    /** OpenSSH or PEM, as a file of ~/.ssh has it. */
    private_key: secretText(32_768),
    passphrase: secretText(1024).optional(),
  }),
  z.strictObject({ method: z.literal('password'), password: secretText(1024) }),
  /** Keys of the agent at the runner: RUNYARD_SSH_AGENT. */
  z.strictObject({ method: z.literal('agent') }),
])
export const authMethods = ['key', 'password', 'agent'] as const

/** What a job brought of it; see `runyard host test`. */
const facts = z.object({
  hostname: z.string().nullable(),
  os: z.string().nullable(),
  kernel: z.string().nullable(),
  arch: z.string().nullable(),
  cores: z.int().nullable(),
  memory_bytes: z.number().nullable(),
  cgroup: z.enum(['v2', 'v1', 'none']).nullable(),
  systemd: z.boolean().nullable(),
  user: z.string().nullable(),
  uid: z.int().nullable(),
  tools: z.array(z.string()),
  at: instant,
})
export type HostFacts = z.infer<typeof facts>

const hostSchema = z.object({
  name: z.string(),
  description: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  enabled: z.boolean(),
  open_to: z.enum(hostOpenTo),
  /** `unconfirmed` and `key_changed`: no job gets there until an administrator has confirmed its key. */
  state: z.enum(hostStates),
  /** Null to operators, who use a host by its name. */
  connection: z
    .object({
      address: z.string(),
      port: z.int(),
      user: z.string(),
      auth: z.enum(authMethods),
      /** Name of the host that leads there. */
      jump: z.string().nullable(),
      connections: z.int(),
      keep_alive_seconds: z.int(),
      connect_timeout_seconds: z.int(),
      /** Confirmed. */
      keys: z.array(z.object({ ...shownKey.shape, confirmed_at: instant, confirmed_by: z.string() })),
      /** That it showed last and nobody has confirmed. */
      seen: z.array(shownKey),
      seen_at: instant.nullable(),
    })
    .nullable(),
  /** It showed a key that is none of those that were confirmed. */
  key_alarm: z
    .object({ at: instant, key: shownKey.nullable(), runner: z.string().nullable(), job_id: publicId.nullable() })
    .nullable(),
  facts: facts.nullable(),
  /** Of jobs: the last that reached it, and the last that did not. */
  last_ok_at: instant.nullable(),
  last_failed_at: instant.nullable(),
  last_error: z.string().nullable(),
  last_job_id: publicId.nullable(),
  /** Connections of the runners that are online and have any. */
  runners: z.array(
    z.object({
      runner: z.string(),
      breaker: z.enum(breakerStates),
      /** One after another. */
      failures: z.int(),
      retry_at: instant.nullable(),
      connections: z.int(),
      sessions: z.int(),
      last_error: z.string().nullable(),
    }),
  ),
  /** Whoever asks may open a terminal there now. */
  terminal: z.boolean(),
  created_at: instant,
  updated_at: instant,
})
export type Host = z.infer<typeof hostSchema>

const list = base
  .route({ method: 'GET', path: '/hosts', tags, summary: 'Hosts that one may use or look at, by name' })
  .input(
    z
      .strictObject({
        limit: queryInt(1, 500).default(100),
        cursor: hostName.optional(),
        /** All of these: `label=role=web`. */
        label: queryList(labelText).optional(),
        state: queryList(z.enum(hostStates)).optional(),
        /** Part of the name, the description or the address. */
        search: z.string().min(1).max(200).optional(),
      })
      .prefault({}),
  )
  .output(
    z.object({
      hosts: z.array(hostSchema),
      next_cursor: z.string().nullable(),
      /** No online runner takes jobs for hosts when this is false: RUNYARD_SSH. */
      ssh: z.boolean(),
    }),
  )
const get = base
  .route({ method: 'GET', path: '/hosts/{name}', tags, summary: 'One host' })
  .input(onlyName)
  .output(hostSchema)

const settings = {
  description: z.string().max(500).nullable(),
  address: hostAddress,
  port: z.int().min(1).max(65_535),
  user: hostUser,
  auth: hostAuth,
  jump: hostName.nullable(),
  labels: labelsSchema,
  connections: z.int().min(1).max(hostLimits.connections),
  keep_alive_seconds: z.int().min(5).max(3600),
  connect_timeout_seconds: z.int().min(1).max(120),
  enabled: z.boolean(),
  open_to: z.enum(hostOpenTo),
}
const create = base
  .route({
    method: 'POST',
    path: '/hosts',
    tags,
    successStatus: 201,
    summary: 'Add a host (administrators); without a confirmed key it is not used',
    description:
      'With `accept` the server asks the host for its keys and confirms those given; with `known_hosts` it asks nobody. Without both it notes the keys that the host shows, and waits for `confirm`.',
  })
  .input(
    z.strictObject({
      name: hostName,
      ...settings,
      description: settings.description.default(null),
      port: settings.port.default(22),
      jump: settings.jump.default(null),
      labels: settings.labels.default({}),
      connections: settings.connections.default(5),
      keep_alive_seconds: settings.keep_alive_seconds.default(15),
      connect_timeout_seconds: settings.connect_timeout_seconds.default(10),
      enabled: settings.enabled.default(true),
      open_to: settings.open_to.default('operators'),
      accept: accept.optional(),
      known_hosts: knownHosts.optional(),
    }),
  )
  .output(
    z.object({ ...hostSchema.shape, /** Why it could not be asked for its keys. */ problem: z.string().nullable() }),
  )
const change = base
  .route({
    method: 'PATCH',
    path: '/hosts/{name}',
    tags,
    summary: 'Change a host (administrators); what is not named stays, its confirmed keys too',
  })
  .input(z.strictObject({ name: hostName, ...z.object(settings).partial().shape }))
  .output(hostSchema)
const remove = base
  .route({
    method: 'DELETE',
    path: '/hosts/{name}',
    tags,
    successStatus: 204,
    summary: 'Delete a host (administrators)',
  })
  .input(onlyName)
const scan = base
  .route({
    method: 'POST',
    path: '/hosts/{name}/scan',
    tags,
    summary: 'Ask a host which keys it has (administrators); confirms nothing',
  })
  .input(onlyName)
  .output(
    z.object({
      keys: z.array(z.object({ ...shownKey.shape, confirmed: z.boolean() })),
      host: hostSchema,
    }),
  )
const confirm = base
  .route({
    method: 'POST',
    path: '/hosts/{name}/confirm',
    tags,
    summary: 'Confirm the keys of a host (administrators): these and no others from now on',
    description:
      'Also the answer to a changed key. `accept` are fingerprints that the host shows when it is asked now.',
  })
  .input(z.strictObject({ name: hostName, accept: accept.optional(), known_hosts: knownHosts.optional() }))
  .output(hostSchema)
const test = base
  .route({
    method: 'POST',
    path: '/hosts/{name}/test',
    tags,
    successStatus: 202,
    summary: 'Run a small job there (administrators); it also brings the facts of the host',
  })
  .input(onlyName)
  .output(z.object({ job_id: publicId }))

export const hosts = { list, get, create, change, delete: remove, scan, confirm, test }

const size = { cols: z.int().min(1).max(1000), rows: z.int().min(1).max(500) }
/**
 * WebSocket `/api/v1/hosts/{name}/terminal?cols=80&rows=24`, administrators, RUNYARD_WEB_TERMINAL=true. Binary frames are
 * bytes of the terminal, both ways; text frames are these messages, and the first of the server is `open` or `closed`.
 */
export const terminalClientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('resize'), ...size }),
])
export type TerminalClientMessage = z.input<typeof terminalClientMessage>
export const terminalSize = z.strictObject({
  cols: queryInt(1, 1000).default(80),
  rows: queryInt(1, 500).default(24),
})
export const terminalServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('open'), host: z.string(), idle_seconds: z.int() }),
  z.object({
    type: z.literal('closed'),
    /** In words: the shell ended, idle too long, the host does not answer, … */
    reason: z.string(),
    code: z.string().nullable().describe('Of an error, e.g. unavailable'),
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
  }),
])
export type TerminalServerMessage = z.infer<typeof terminalServerMessage>
