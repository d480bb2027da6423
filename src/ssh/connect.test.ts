import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import type { AddressInfo } from 'node:net'
import { Server, type AuthContext } from 'ssh2'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createSshd, noSshd, type Sshd } from '../executors/ssh/testing/sshd.ts'
import { hostAddress, hostUser, type SshTarget } from '../job/host.ts'
import { Breaker } from './breaker.ts'
import { connectTo } from './connect.ts'
import { HostKeyChanged, HostKeyUnknown, SshError } from './errors.ts'
import { SshPool } from './pool.ts'
import { scanKeys } from './scan-keys.ts'
import { shellWord, shellWords } from './shell-words.ts'

/** A server of this process that counts who tries to log in. */
async function hostWith(authenticate: (context: AuthContext) => void): Promise<{ target: SshTarget; tried: string[] }> {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' })
  const tried: string[] = []
  const server = new Server({ hostKeys: [key as string] }, (client) => {
    client.on('error', () => {})
    client.on('authentication', (context) => {
      tried.push(context.method)
      authenticate(context)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const at = { name: 'box', address: '127.0.0.1', port }
  const auth = { method: 'password', password: 'correct horse' } as const
  const rest = { user: 'x', auth, connections: 1, keep_alive_seconds: 15, connect_timeout_seconds: 5 }
  return { target: { ...at, ...rest, keys: await scanKeys(at) }, tried }
}

describe.skipIf(noSshd)('a connection', () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await createSshd()
  })
  afterAll(() => sshd?.close())

  test('is made to the confirmed key only, and its keys are shown as ssh-keygen does', async () => {
    expect(await scanKeys(sshd.target)).toEqual(sshd.target.keys)
    const connection = await connectTo(sshd.target)
    connection.close()
    expect(await connection.closed).toBeNull()
    await expect(connectTo({ ...sshd.target, keys: [] })).rejects.toThrow(HostKeyUnknown)
    const other = { type: 'ssh-ed25519', fingerprint: `SHA256:${randomBytes(32).toString('base64').slice(0, 43)}` }
    const changed = await connectTo({ ...sshd.target, keys: [other] }).catch((error: unknown) => error)
    expect(changed).toBeInstanceOf(HostKeyChanged)
    expect((changed as HostKeyChanged).seen).toEqual(sshd.target.keys[0])
    // The right fingerprint under another type is another key.
    await expect(connectTo({ ...sshd.target, keys: [{ ...other, type: 'ssh-rsa' }] })).rejects.toThrow(HostKeyChanged)
  })

  test('goes through a jump host, whose key counts as well', async () => {
    const { keys } = sshd.target
    const connection = await connectTo({ ...sshd.target, jump: { ...sshd.target, name: 'jump' } })
    connection.close()
    await connection.closed
    const strange = { ...sshd.target, name: 'jump', keys: [{ ...keys[0]!, fingerprint: 'SHA256:x' }] }
    await expect(connectTo({ ...sshd.target, jump: strange })).rejects.toMatchObject({
      host: 'jump',
      failure: 'host_key_changed',
    })
    let deep: SshTarget = sshd.target
    for (let n = 0; n < 4; n++) deep = { ...deep, jump: { ...deep } }
    await expect(connectTo(deep)).rejects.toMatchObject({ failure: 'config' })
  })

  test('says what is wrong, and nothing secret', async () => {
    const auth = { method: 'key', private_key: 'not a key 4711' } as const
    const errors = await Promise.all(
      [
        { ...sshd.target, auth },
        { ...sshd.target, auth: { method: 'agent' } as const },
        { ...sshd.target, auth: { method: 'password', password: 'secret 4711' } as const },
        { ...sshd.target, port: 1 },
      ].map((target) =>
        connectTo(target).then(
          () => new SshError('aborted', '', 'it was let in'),
          (error: SshError) => error,
        ),
      ),
    )
    expect(errors.map(({ failure }) => failure)).toEqual(['config', 'config', 'auth', 'unreachable'])
    expect(errors.map(String).join()).not.toContain('4711')
  })

  test('that fails too often is left alone for a while, then tried once for all', async () => {
    const pool = new SshPool({ breaker: { failures: 2, openMs: 200 } })
    onTestFinished(() => pool.close())
    const { port } = sshd
    const target = { ...sshd.target, keys: [{ type: 'ssh-ed25519', fingerprint: 'SHA256:x' }] }
    for (let n = 0; n < 2; n++) await expect(pool.session(target)).rejects.toThrow(HostKeyChanged)
    await expect(pool.session(target)).rejects.toThrow(/left alone for 1 s more after 2 failures/)
    expect(pool.state()).toMatchObject([
      { name: 'web1', address: `127.0.0.1:${port}`, breaker: 'open', failures: 2, key_alarm: sshd.target.keys[0] },
    ])
    // Other keys, as after an administrator's word, are another matter.
    const session = await pool.session(sshd.target)
    expect(pool.state().at(-1)).toMatchObject({ breaker: 'closed', connections: 1, sessions: 1 })
    session.release()
  })
})

test('a password is sent after the key was seen, and to one question only', async () => {
  const { target, tried } = await hostWith((context) => {
    if (context.method === 'keyboard-interactive')
      context.prompt([{ prompt: 'Password:', echo: false }], ([answer]) =>
        answer === 'correct horse' ? context.accept() : context.reject(),
      )
    else context.reject(['keyboard-interactive'])
  })
  const connection = await connectTo(target)
  connection.close()
  expect(tried).toEqual(['password', 'keyboard-interactive'])
  tried.length = 0
  await expect(connectTo({ ...target, keys: [{ type: 'ssh-rsa', fingerprint: 'SHA256:x' }] })).rejects.toThrow(
    HostKeyChanged,
  )
  expect(tried).toEqual([])
})

test('a breaker opens, lets one try, and closes or opens again', () => {
  let now = 0
  const breaker = new Breaker({ failures: 2, openMs: 100 }, () => now)
  const seen = [breaker.state]
  for (let n = 0; n < 2; n++) breaker.failed()
  seen.push(breaker.state)
  expect(breaker.mayTry()).toBe(false)
  now = 100
  seen.push(breaker.state)
  expect([breaker.mayTry(), breaker.mayTry()]).toEqual([true, false])
  breaker.failed()
  seen.push(breaker.state)
  now = 200
  expect(breaker.mayTry()).toBe(true)
  breaker.succeeded()
  seen.push(breaker.state)
  expect(seen).toEqual(['closed', 'open', 'half_open', 'open', 'closed'])
})

test('words reach a shell as they are', () => {
  const words = [
    '',
    ' ',
    "it's",
    '"$HOME"',
    '`id`',
    '$(id)',
    'a\nb',
    '\\',
    '!x',
    '*',
    '-n',
    'ü€',
    "'",
    "''",
    '\u0001\u0081',
  ]
  const shown = execFileSync('sh', ['-c', `printf '%s\\0' ${shellWords(words)}`]).toString()
  expect(shown.split('\0').slice(0, -1)).toEqual(words)
  expect(() => shellWord('a\0b')).toThrow()
})

test('an address or a user is never an option, a second line or a path', () => {
  for (const bad of ['-oProxyCommand=x', 'a b', 'a\nb', '', 'x;id', '$(id)', 'a/b', '-x'])
    expect([hostAddress.safeParse(bad).success, hostUser.safeParse(bad).success]).toEqual([false, false])
  expect([hostAddress.safeParse('::1').success, hostUser.safeParse(userInfo().username).success]).toEqual([true, true])
})
