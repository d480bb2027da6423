import { expect, test } from 'vitest'
import type { Channel } from '../../lib/api.ts'
import { bodyOf, errorsOf, formOf, newQuiet, quietText } from './channel-form.ts'
import { readChannelSearch } from './filters.ts'

const team = { name: 'team', kind: 'webhook', description: 'ours', enabled: false, quiet: [] } as unknown as Channel

test('what is secret is not sent unless it is typed anew', () => {
  expect(bodyOf(formOf(team), team)).toEqual({ name: 'team', description: 'ours', enabled: false, quiet: [] })
  const typed = { ...formOf(team), url: ' https://x.org/h ', headers: 'X-A: b: c\n\nX-B:\nno header' }
  expect(bodyOf(typed, team)).toMatchObject({
    settings: { kind: 'webhook', url: 'https://x.org/h', headers: { 'X-A': 'b: c', 'X-B': '', 'no header': '' } },
  })
  expect(bodyOf({ ...formOf(team), kind: 'slack' }, team)).toMatchObject({ settings: { kind: 'slack', url: '' } })
})

test('a mail server is written as one address, whatever is in the password', () => {
  const form = {
    ...formOf(null),
    kind: 'email' as const,
    smtp_host: 'mail.x.org',
    from: 'r@x.org',
    to: 'a@x.org, b@x.org\nc@x.org',
  }
  expect(bodyOf(form, null)).toMatchObject({
    settings: { smtp_url: 'smtp://mail.x.org', from: 'r@x.org', to: ['a@x.org', 'b@x.org', 'c@x.org'] },
  })
  const secured = { ...form, smtp_port: '465', smtp_tls: true, smtp_user: 'me@x.org', smtp_password: 'p@ss:/?' }
  const { settings } = bodyOf(secured, null) as { settings: { smtp_url: string } }
  const url = new URL(settings.smtp_url)
  expect([url.host, decodeURIComponent(url.username), decodeURIComponent(url.password)]).toEqual([
    'mail.x.org:465',
    'me@x.org',
    'p@ss:/?',
  ])
})

test('each problem is shown at its field', () => {
  const fields = [
    'name',
    'settings.url',
    'settings.to[1]',
    'settings.smtp_url',
    'quiet[0].time_zone',
    'settings.headers.X',
  ]
  expect(errorsOf(fields.map((field) => ({ field, message: field })))).toEqual({
    ...{ name: 'name', url: 'settings.url', to: 'settings.to[1]', smtp_host: 'settings.smtp_url' },
    ...{ quiet: 'quiet[0].time_zone', headers: 'settings.headers.X' },
  })
  expect(errorsOf([{ field: 'settings', message: 'm' }])).toEqual({ url: 'm' })
})

test('quiet hours in words', () => {
  const quiet = { ...newQuiet(), time_zone: 'UTC' }
  expect(quietText(quiet)).toBe('Daily 22:00–07:00 UTC')
  expect(quietText({ ...quiet, days: ['fri', 'wed', 'thu'], action: 'drop' })).toBe('Wed–Fri 22:00–07:00 UTC, dropped')
  expect(quietText({ ...quiet, days: ['sun', 'sat'] })).toBe('Sat, Sun 22:00–07:00 UTC')
})

test('only filters are read from the URL', () => {
  expect(readChannelSearch({ view: 'deliveries', outcome: 'dead', channel: 'team', other: '1' })).toEqual({
    ...{ view: 'deliveries', outcome: 'dead', channel: 'team' },
  })
  expect(readChannelSearch({ view: 'x', outcome: 'toString', channel: 1 })).toEqual({})
})
