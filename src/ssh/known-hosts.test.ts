import { createHmac } from 'node:crypto'
import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { keyChangedIn } from '../job/host.ts'
import { HostKeyChanged } from './errors.ts'
import { keyOf } from './host-keys.ts'
import { keysInKnownHosts } from './known-hosts.ts'
import { privateKeyProblem } from './private-key.ts'

const pairs = [1, 2, 3].map(() => ssh2.utils.generateKeyPairSync('ed25519'))
const [one, two, three] = pairs.map((pair) => pair.public) as [string, string, string]
const keyIn = (line: string) => keyOf(Buffer.from(line.split(' ')[1]!, 'base64'))
const salt = Buffer.from('0123456789abcdefghij').toString('base64')
const hashed = (name: string) =>
  `|1|${salt}|${createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')}`

test.each<[string, string, number, string[]]>([
  [`web1 ${one}\nweb2 ${two}`, 'web1', 22, [one]],
  [`web1,10.0.0.1 ${one} comment`, '10.0.0.1', 22, [one]],
  [`WEB1 ${one}`, 'Web1', 22, [one]],
  [`[web1]:2222 ${one}\nweb1 ${two}`, 'web1', 2222, [one]],
  [`[web1]:2222 ${one}`, 'web1', 22, []],
  [`*.example.com,!db.example.com ${one}`, 'db.example.com', 22, []],
  [`*.example.com,!db.example.com ${one}\nweb?.example.com ${one}`, 'web1.example.com', 22, [one]],
  [`${hashed('web1')} ${one}\n${hashed('web2')} ${two}`, 'web1', 22, [one]],
  [`${hashed('[web1]:2222')} ${one}`, 'web1', 2222, [one]],
  [`@revoked web1 ${one}\nweb1 ${one}\nweb1 ${two}`, 'web1', 22, [two]],
  [`@cert-authority * ${one}`, 'web1', 22, []],
  [`# web1 ${one}\n\n  web1 ${two}\r\n`, 'web1', 22, [two]],
  [`web1 ssh-rsa ${one.split(' ')[1]}\nweb1 ssh-dss AAAA\nweb1\nweb1 ssh-ed25519 !!`, 'web1', 22, []],
  [`${'*'.repeat(200)}x ${one}\nweb1 ${three}`, 'web1', 22, [three]],
])('keys in known_hosts: %#', (text, address, port, expected) => {
  expect(keysInKnownHosts(text, [address], port)).toEqual(expected.map(keyIn))
})

test('what is wrong with a private key is said without it', () => {
  const [pair] = pairs as [(typeof pairs)[number]]
  const sealed = ssh2.utils.generateKeyPairSync('ed25519', { passphrase: 'right', cipher: 'aes256-ctr', rounds: 1 })
  expect(privateKeyProblem(`${pair.private}\n`, undefined)).toBeNull()
  expect(privateKeyProblem(pair.private.trim(), undefined)).toBeNull()
  expect(privateKeyProblem(pair.public, undefined)).toMatch(/public key/)
  expect(privateKeyProblem('no key', undefined)).toMatch(/cannot be read/)
  expect(privateKeyProblem(sealed.private, undefined)).toMatch(/needs its passphrase/)
  expect(privateKeyProblem(sealed.private, 'wrong')).toMatch(/passphrase is another/)
  expect(privateKeyProblem(sealed.private, 'right')).toBeNull()
})

test('the server finds the key in the words of a refusal', () => {
  const key = keyIn(one)
  expect(keyChangedIn(`its host: ${new HostKeyChanged('web1', key).message}`)).toEqual({ host: 'web1', key })
  expect(keyChangedIn('the key of host web1 is not the confirmed one')).toBeNull()
})
