/** Hosts of the ssh executor: what a job says of them, and what its runner is told besides. */
import * as z from 'zod'

export const hostLimits = { hostsOfJob: 200, connections: 50, jumps: 3 } as const

export const hostName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'is no name of a host: lower-case letters, digits, . _ and - only')

/** Names of hosts; `label:key=value` stands for all enabled hosts with that label when the job is submitted. */
export const hostsSchema = z
  .array(
    z.union([
      hostName,
      z.string().regex(/^label:[A-Za-z0-9][^\s,]{0,200}$/, 'is no name of a host: e.g. web1, or label:role=web'),
    ]),
  )
  .min(1, 'must name a host; see runyard host ls')
  .max(hostLimits.hostsOfJob, `at most ${hostLimits.hostsOfJob} hosts`)

/** When is a job on several hosts a success? */
export const hostSuccess = ['all', 'any'] as const
export type HostSuccess = (typeof hostSuccess)[number]

/** An address or name as it is given to connect(); nothing that a program could take for an option. */
export const hostAddress = z
  .string()
  .max(253)
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9]{1,15})?)$/,
    'is no host name or address',
  )
export const hostUser = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$/,
    'is no user name: letters, digits and _ . @ \\ - only, and begins with none of . @ \\ -',
  )
export const hostKeyType = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
] as const

/** A pinned key: type and SHA256 of its blob as `ssh-keygen -l` prints it. */
export interface PinnedKey {
  type: string
  /** `SHA256:…`, base64 without padding. */
  fingerprint: string
}

/**
 * What an attempt is refused with whose host, or a jump host on the way there, shows a key that is not pinned. Outcomes
 * carry words: the server finds the key in them again, and raises the alarm.
 */
export const keyChangedWords = (host: string, { type, fingerprint }: PinnedKey): string =>
  `the key of host ${host} is not the confirmed one: it shows ${type} ${fingerprint}; nothing was sent to it. When it was installed anew, an administrator confirms the new key`

export function keyChangedIn(message: string): { host: string; key: PinnedKey } | null {
  const found =
    /the key of host (\S{1,63}) is not the confirmed one: it shows ([\w.@-]{1,64}) (SHA256:[\w+/]{43})/.exec(message)
  return found && { host: found[1]!, key: { type: found[2]!, fingerprint: found[3]! } }
}

export type SshAuth =
  | { method: 'key'; private_key: string; passphrase?: string }
  | { method: 'password'; password: string }
  /** Of the runner's own process: RUNYARD_SSH_AGENT. */
  | { method: 'agent' }

/** What the server tells the runner of one host, anew for each attempt; never on disk, never logged. */
export interface SshTarget {
  name: string
  address: string
  port: number
  user: string
  keys: PinnedKey[]
  auth: SshAuth
  jump?: SshTarget
  /** At most so many connections of one runner. */
  connections: number
  keep_alive_seconds: number
  connect_timeout_seconds: number
}

export interface SshOrder {
  hosts: SshTarget[]
  success: HostSuccess
  /** Hosts at the same time. */
  at_once: number
}

/** How it ended on one of several hosts. */
export interface HostResult {
  host: string
  state: 'succeeded' | 'failed' | 'timed_out' | 'oom_killed' | 'cancelled' | 'lost'
  exit_code: number | null
  signal: string | null
  message?: string
  started_at?: string
  ended_at?: string
  /** Processes of it left there; 0 is the proof that there are none. */
  remaining_processes?: number
}
