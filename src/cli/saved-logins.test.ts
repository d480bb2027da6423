import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readLogins, serverUrl, writeLogins } from './saved-logins.ts'

test('a login is kept for its owner only, and read again', async () => {
  const home = await mkdtemp(join(tmpdir(), 'ry-login-'))
  try {
    const env = { XDG_CONFIG_HOME: home }
    expect(await readLogins(env)).toEqual({ current: null, servers: {} })
    const logins = { current: 'http://a', servers: { 'http://a': { token: 'ry_x', username: 'ann' } } }
    const file = await writeLogins(logins, env)
    expect(await readLogins(env)).toEqual(logins)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  } finally {
    await rm(home, { recursive: true })
  }
})

test('one server has one spelling', () => {
  expect(serverUrl('localhost:8000/')).toBe('http://localhost:8000')
  expect(serverUrl('https://Runyard.Example/')).toBe('https://runyard.example')
  expect(serverUrl('https://x.example/team/')).toBe('https://x.example/team')
  expect(() => serverUrl('ftp://x')).toThrow('http:// or https:// only')
  expect(() => serverUrl('http://a b')).toThrow('is no server')
})
