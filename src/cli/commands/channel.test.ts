import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import type { Channel } from '../../api/contract/channels.ts'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { changesOf, define, kept, settingsOf, type SetOptions } from './channel.ts'

function parsed(...words: string[]): SetOptions {
  const root = new Command()
  define(root)
  const set = root.commands.find((one) => one.name() === 'set')!
  set.exitOverride().configureOutput({ outputError: () => {} })
  set.parseOptions(words)
  return set.opts()
}

const url = 'https://hooks.example.com/x'

test('the settings of each kind', async () => {
  expect(await settingsOf(parsed('--slack', url))).toEqual({ kind: 'slack', url })
  expect(await settingsOf(parsed('--discord', url))).toEqual({ kind: 'discord', url })
  expect(await settingsOf(parsed('--webhook', url, '--header', 'X-A: b: c', '--header', 'X-B:'))).toEqual({
    ...{ kind: 'webhook', url, headers: { 'X-A': 'b: c', 'X-B': '' } },
  })
  const mail = parsed('--email', 'a@x.org, b@x.org', '--smtp', 'smtp://mail.x.org', '--from', 'r@x.org')
  expect(await settingsOf(mail)).toEqual({
    ...{ kind: 'email', smtp_url: 'smtp://mail.x.org', from: 'r@x.org', to: ['a@x.org', 'b@x.org'] },
  })
  expect(await settingsOf(parsed('--disable'))).toBeUndefined()
})

test('some of the settings of a channel that is there', async () => {
  for (const [words, changes] of [
    [['--secret', 'whsec_x'], { secret: 'whsec_x' }],
    [['--header', 'X-A: b'], { headers: { 'X-A': 'b' } }],
    [['--email', 'a@x.org'], { to: ['a@x.org'] }],
    [['--smtp', 'smtp://x', '--from', 'r@x.org'], { smtp_url: 'smtp://x', from: 'r@x.org' }],
    [['--disable'], undefined],
  ] as const) {
    expect(await settingsOf(parsed(...words))).toBeUndefined()
    expect(await changesOf(parsed(...words))).toEqual(changes)
  }
})

test('an address can come from a file, so that no other process reads it', async () => {
  const dir = scratchDir('channel')
  onTestFinished(() => removeScratch(dir))
  await writeFile(join(dir, 'url'), `${url}\n`)
  expect(await settingsOf(parsed('--slack', `@${join(dir, 'url')}`))).toEqual({ kind: 'slack', url })
  await expect(settingsOf(parsed('--slack', '@/nowhere'))).rejects.toThrow('cannot read Address from /nowhere')
})

test.each([
  [['--slack', url, '--discord', url], '--slack and --discord'],
  [['--slack', url, '--secret', 'x'], 'belong to --webhook'],
  [['--slack', url, '--smtp', 'smtp://x'], 'belong to --email'],
])('%s is refused', async (words, message) => {
  await expect(settingsOf(parsed(...words))).rejects.toThrow(message)
})

test('what is not named stays as it is', () => {
  const quiet = [{ days: ['mon' as const], from: '22:00', to: '07:00', time_zone: 'UTC', action: 'hold' as const }]
  const before = { description: 'ours', enabled: false, quiet } as Channel
  expect(kept(before, parsed())).toEqual({ description: 'ours', enabled: false, quiet })
  expect(kept(before, parsed('--enable', '--no-quiet'))).toEqual({ description: 'ours', enabled: true, quiet: [] })
  expect(kept(before, parsed('--quiet', '01:00-02:00', '--quiet', 'sun 03:00-04:00')).quiet).toHaveLength(2)
  expect(kept(undefined, parsed())).toEqual({ description: null, enabled: true, quiet: [] })
})
