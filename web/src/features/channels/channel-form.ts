import type { Channel } from '../../lib/api.ts'
import type { FieldProblem } from '../../lib/problem.ts'

export type Kind = Channel['kind']
export type Quiet = Channel['quiet'][number]
export type Day = Quiet['days'][number]

export const kinds: Record<Kind, { label: string; address: string }> = {
  slack: { label: 'Slack', address: 'https://hooks.slack.com/services/…' },
  discord: { label: 'Discord', address: 'https://discord.com/api/webhooks/…' },
  webhook: { label: 'Webhook', address: 'https://example.com/hooks/runyard' },
  email: { label: 'Email', address: '' },
}

export const days: Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
export const dayLabels: Record<Day, string> = {
  ...{ mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' },
}

/** What the dialog holds, as it is typed. What is secret is never read, so it begins empty. */
export interface ChannelForm {
  name: string
  kind: Kind
  description: string
  enabled: boolean
  quiet: Quiet[]
  url: string
  secret: string
  /** One `Name: value` a line. */
  headers: string
  smtp_host: string
  smtp_port: string
  smtp_tls: boolean
  smtp_user: string
  smtp_password: string
  from: string
  /** Addresses with commas or in lines of their own. */
  to: string
}

const noSettings = {
  ...{ url: '', secret: '', headers: '', smtp_host: '', smtp_port: '', smtp_tls: false, smtp_user: '' },
  ...{ smtp_password: '', from: '', to: '' },
}

export const formOf = (channel: Channel | null): ChannelForm => ({
  name: channel?.name ?? '',
  kind: channel?.kind ?? 'slack',
  description: channel?.description ?? '',
  enabled: channel?.enabled ?? true,
  quiet: channel?.quiet ?? [],
  ...noSettings,
})

export const newQuiet = (): Quiet => ({
  days: [...days],
  from: '22:00',
  to: '07:00',
  time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  action: 'hold',
})

/** Nothing of the settings was typed: those that are stored stay. */
const leftAlone = (form: ChannelForm, before: Channel | null): boolean =>
  before?.kind === form.kind &&
  Object.entries(noSettings).every(([key, value]) => form[key as keyof ChannelForm] === value)

export function bodyOf(form: ChannelForm, before: Channel | null) {
  const { name, description, enabled, quiet } = form
  const body = { name: name.trim(), description: description.trim() || null, enabled, quiet }
  return leftAlone(form, before) ? body : { ...body, settings: settingsOf(form) }
}

function settingsOf(form: ChannelForm) {
  const url = form.url.trim()
  switch (form.kind) {
    case 'slack':
    case 'discord':
      return { kind: form.kind, url }
    case 'webhook': {
      const headers = headersOf(form.headers)
      const secret = form.secret.trim()
      return { kind: form.kind, url, ...(secret && { secret }), ...(headers && { headers }) }
    }
    case 'email':
      return { kind: form.kind, smtp_url: smtpUrl(form), from: form.from.trim(), to: addressesOf(form.to) }
  }
}

function headersOf(text: string): Record<string, string> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0) return undefined
  // A line that is no header goes to the server as a name, which says what is wrong with it.
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':')
      return at === -1 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

const addressesOf = (text: string): string[] => text.split(/[\s,;]+/).filter((part) => part !== '')

function smtpUrl({ smtp_host, smtp_port, smtp_tls, smtp_user, smtp_password }: ChannelForm): string {
  const user = smtp_user === '' ? '' : `${encodeURIComponent(smtp_user)}:${encodeURIComponent(smtp_password)}@`
  const port = smtp_port.trim() === '' ? '' : `:${smtp_port.trim()}`
  return `${smtp_tls ? 'smtps' : 'smtp'}://${user}${smtp_host.trim()}${port}`
}

/** Where the dialog shows a problem that the server has with a field. */
export function errorsOf(problems: readonly FieldProblem[]): Partial<Record<keyof ChannelForm, string>> {
  const errors: Partial<Record<keyof ChannelForm, string>> = {}
  for (const { field, message } of problems) errors[placeOf(field)] ??= message
  return errors
}

function placeOf(field: string): keyof ChannelForm {
  const [, setting = field] = /^settings\.(\w+)/.exec(field) ?? []
  if (setting === 'smtp_url') return 'smtp_host'
  // A new channel of which nothing was filled in.
  if (setting === 'settings') return 'url'
  return setting.replace(/[[.].*$/, '') as keyof ChannelForm
}

/** `mon–fri 22:00–07:00 Europe/Berlin`. */
export function quietText({ days: on, from, to, time_zone, action }: Quiet): string {
  const inOrder = days.filter((day) => on.includes(day))
  const first = days.indexOf(inOrder[0]!)
  const row = inOrder.length > 2 && inOrder.every((day, i) => days[first + i] === day)
  const label = (day: Day) => dayLabels[day]
  const when =
    inOrder.length === 7
      ? 'Daily'
      : row
        ? `${label(inOrder[0]!)}–${label(inOrder.at(-1)!)}`
        : inOrder.map(label).join(', ')
  return `${when} ${from}–${to} ${time_zone}${action === 'drop' ? ', dropped' : ''}`
}
