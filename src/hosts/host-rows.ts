/** Hosts as rows. Credentials are sealed, and opened only to connect. */
import type { PinnedKey } from '../job/host.ts'

export const authMethods = ['key', 'password', 'agent'] as const
export type AuthMethod = (typeof authMethods)[number]
export const hostStates = ['ready', 'unconfirmed', 'key_changed', 'disabled'] as const
export type HostState = (typeof hostStates)[number]
export type HostOpenTo = 'operators' | 'admins'

export interface ConfirmedKey extends PinnedKey {
  /** ISO 8601. */
  confirmed_at: string
  confirmed_by: string
}

export interface KnownFacts {
  hostname: string | null
  os: string | null
  kernel: string | null
  arch: string | null
  cores: number | null
  memory_bytes: number | null
  cgroup: 'v2' | 'v1' | 'none' | null
  systemd: boolean | null
  user: string | null
  uid: number | null
  tools: string[]
}

export interface HostRow {
  id: string
  name: string
  description: string | null
  address: string
  port: number
  user: string
  authMethod: AuthMethod
  authSealed: Buffer | null
  jumpId: string | null
  /** Its name. */
  jump: string | null
  /** `k=v`, sorted. */
  labels: string[]
  connections: number
  keepAliveSeconds: number
  connectTimeoutSeconds: number
  enabled: boolean
  openTo: HostOpenTo
  keys: ConfirmedKey[]
  seenKeys: PinnedKey[]
  seenAt: Date | null
  alarmAt: Date | null
  alarmKey: PinnedKey | null
  alarmRunner: string | null
  alarmJob: string | null
  facts: KnownFacts | null
  factsAt: Date | null
  testJob: string | null
  lastOkAt: Date | null
  lastFailedAt: Date | null
  lastError: string | null
  lastJob: string | null
  createdAt: Date
  updatedAt: Date
  state: HostState
}

/** Of a row `h`. */
const stateOf = `case when not h.enabled then 'disabled' when h.alarm_at is not null then 'key_changed'
  when h.keys = '[]' then 'unconfirmed' else 'ready' end`

/** Of `hosts h left join hosts jump on jump.id = h.jump_id`. */
export const hostColumns = `h.id, h.name, h.description, h.address, h.port, h.username as "user",
  h.auth_method as "authMethod", h.auth_sealed as "authSealed", h.jump_id as "jumpId", jump.name as jump, h.labels,
  h.connections, h.keep_alive_seconds as "keepAliveSeconds", h.connect_timeout_seconds as "connectTimeoutSeconds",
  h.enabled, h.open_to as "openTo", h.keys, h.seen_keys as "seenKeys", h.seen_at as "seenAt", h.alarm_at as "alarmAt",
  h.alarm_key as "alarmKey", h.alarm_runner as "alarmRunner", h.alarm_job as "alarmJob", h.facts, h.facts_at as "factsAt",
  h.test_job as "testJob", h.last_ok_at as "lastOkAt", h.last_failed_at as "lastFailedAt", h.last_error as "lastError",
  h.last_job as "lastJob", h.created_at as "createdAt", h.updated_at as "updatedAt", ${stateOf} as state`
export const hostTables = 'hosts h left join hosts jump on jump.id = h.jump_id'
export const hostState = stateOf
