import type { KeyValue } from '../../components/key-values.tsx'
import type { api, Host } from '../../lib/api.ts'
import type { FieldProblem } from '../../lib/problem.ts'
import type { AuthMethod } from './words.ts'

export type NewHost = Parameters<typeof api.hosts.create>[0]
export type HostChange = Parameters<typeof api.hosts.change>[0]

/** What the dialog holds, as it is typed. What is secret is never read, so it begins empty. */
export interface HostForm {
  name: string
  description: string
  address: string
  port: string
  user: string
  method: AuthMethod
  private_key: string
  passphrase: string
  password: string
  jump: string
  labels: KeyValue[]
  connections: string
  keep_alive_seconds: string
  connect_timeout_seconds: string
  open_to: Host['open_to']
  enabled: boolean
}

export function formOf(host: Host | null): HostForm {
  const connection = host?.connection
  return {
    name: host?.name ?? '',
    description: host?.description ?? '',
    address: connection?.address ?? '',
    port: String(connection?.port ?? 22),
    user: connection?.user ?? '',
    method: connection?.auth ?? 'key',
    private_key: '',
    passphrase: '',
    password: '',
    jump: connection?.jump ?? '',
    labels: Object.entries(host?.labels ?? {}).map(([key, value]) => ({ key, value })),
    connections: String(connection?.connections ?? 5),
    keep_alive_seconds: String(connection?.keep_alive_seconds ?? 15),
    connect_timeout_seconds: String(connection?.connect_timeout_seconds ?? 10),
    open_to: host?.open_to ?? 'operators',
    enabled: host?.enabled ?? true,
  }
}

/** NaN is sent as null and refused by the server at its field. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))

function settingsOf(form: HostForm) {
  const labels = form.labels.filter(({ key, value }) => key.trim() !== '' || value !== '')
  return {
    description: form.description.trim() || null,
    address: form.address.trim(),
    port: number(form.port),
    user: form.user.trim(),
    jump: form.jump || null,
    labels: Object.fromEntries(labels.map(({ key, value }) => [key.trim(), value])),
    connections: number(form.connections),
    keep_alive_seconds: number(form.keep_alive_seconds),
    connect_timeout_seconds: number(form.connect_timeout_seconds),
    open_to: form.open_to,
    enabled: form.enabled,
  }
}

function authOf(form: HostForm): NewHost['auth'] {
  switch (form.method) {
    case 'key': {
      // A key that was pasted without its last line break is one that no program reads.
      const private_key = form.private_key.trim() === '' ? '' : `${form.private_key.trim()}\n`
      return { method: 'key', private_key, ...(form.passphrase && { passphrase: form.passphrase }) }
    }
    case 'password':
      return { method: 'password', password: form.password }
    case 'agent':
      return { method: 'agent' }
  }
}

export const newHostOf = (form: HostForm): NewHost => ({
  name: form.name.trim(),
  ...settingsOf(form),
  auth: authOf(form),
})

/** Nothing secret was typed and the method is the stored one: what is stored stays. */
const keepsAuth = (form: HostForm, host: Host): boolean =>
  form.method === host.connection?.auth &&
  form.private_key.trim() === '' &&
  form.passphrase === '' &&
  form.password === ''

/** Only what is another than it was. */
export function changeOf(form: HostForm, host: Host): HostChange {
  const before: Record<string, unknown> = settingsOf(formOf(host))
  const changed = Object.entries(settingsOf(form)).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field]),
  )
  return {
    name: host.name,
    ...Object.fromEntries(changed),
    ...(keepsAuth(form, host) ? {} : { auth: authOf(form) }),
  }
}

/** Where the dialog shows a problem that the server has with a field. */
export function errorsOf(
  problems: readonly FieldProblem[],
  method: AuthMethod,
): Partial<Record<keyof HostForm, string>> {
  const errors: Partial<Record<keyof HostForm, string>> = {}
  for (const { field, message } of problems) {
    const [, inner] = /^auth\.(\w+)/.exec(field) ?? []
    const [, label] = /^labels[.[]+([^\]]+)/.exec(field) ?? []
    const secret = method === 'password' ? 'password' : method === 'key' ? 'private_key' : 'method'
    const place = /^auth($|\.method)/.test(field) ? secret : (inner ?? field.replace(/[.[].*$/, ''))
    errors[place as keyof HostForm] ??= label === undefined ? message : `${label} ${message}`
  }
  return errors
}
