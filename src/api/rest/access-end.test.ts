/** R3: what is open ends within five seconds of the change that took its right, also at another server than was told. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { verifyCertificates } from '../../access/certificates/index.ts'
import { generateKeyPair } from '../../x509/key-pair.ts'
import { pemOf } from '../../x509/pem.ts'
import { createRequest } from '../../x509/request.ts'

let here: TestServer
let there: TestServer
beforeAll(async () => {
  const keys = {
    RUNYARD_JWT_SECRET: randomBytes(32).toString('hex'),
    RUNYARD_SECRET_KEY: randomBytes(32).toString('base64'),
  }
  here = await runningServer(keys)
  there = await runningServer({ ...keys, DATABASE_URL: here.databaseUrl })
})
afterAll(async () => {
  await there.close()
  await here.close()
})

/** `closed` resolves with the close code and the moment. */
async function openSocket(at: TestServer, token: string) {
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}/api/v1/ws`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const closed = new Promise<{ code: number; at: number }>((resolve) => {
    socket.once('close', (code) => resolve({ code, at: performance.now() }))
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send(JSON.stringify({ type: 'subscribe', id: 'a', topic: 'jobs' }))
  return { closed }
}

const changes: [string, (username: string, person: Person, tokenId: string) => Promise<unknown>][] = [
  ['another role', (username) => here.client.calls.users.change({ username, role: 'viewer' })],
  ['a disabled account', (username) => here.client.calls.users.change({ username, disabled: true })],
  ['a deleted account', (username) => here.client.calls.users.delete({ username })],
  [
    'a password that is set',
    (username) => here.client.calls.users.setPassword({ username, password: 'another password' }),
  ],
  ['signing out everywhere', (_username, { client }) => client.calls.account.signOutEverywhere()],
  [
    'a password by code',
    async (username) => {
      const { code } = await here.client.calls.users.createReset({ username })
      await here.client.calls.account.useReset({ username, code, password: 'another password' })
    },
  ],
  ['a token that is revoked', (_username, { client }, id) => client.calls.tokens.delete({ id })],
]

test('R3: sockets and requests with a session or an API token, here and at another server', async () => {
  await Promise.all(
    changes.map(async ([what, change], i) => {
      const person = await here.person('operator', `ends-${i}`)
      const { token, id } = await person.client.calls.tokens.create({ name: 'laptop' })
      const sockets = await Promise.all([
        openSocket(here, token),
        openSocket(there, token),
        openSocket(there, person.token),
      ])
      const onlyToken = what === 'a token that is revoked'
      const ending = onlyToken ? sockets.slice(0, 2) : sockets
      const began = performance.now()
      await change(person.username, person, id)
      for (const { code, at } of await Promise.all(ending.map(({ closed }) => closed))) {
        expect([what, code]).toEqual([what, 4401])
        expect(at - began).toBeLessThan(5_000)
      }
      for (const server of [here, there]) {
        await until(async () => (await server.fetch('/jobs', { token })).status === 401, `401 after ${what}`, 5_000)
        const session = await server.fetch('/jobs', { token: person.token })
        expect([what, session.status]).toEqual([what, onlyToken ? 200 : 401])
      }
    }),
  )
})

test('R3: certificates end with their account, and rest while it is disabled or has another role', async () => {
  await here.client.calls.certificates.initAuthority({ name: 'Test', years: 1 })
  const issue = async (name: string) => {
    const request = pemOf('CERTIFICATE REQUEST', await createRequest(await generateKeyPair(), name))
    const { certificate } = await here.client.calls.certificates.issue({ name, role: 'operator', request })
    return Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex')
  }
  const holds = async (fingerprint: Buffer) => (await verifyCertificates(here.db, [fingerprint])).size === 1
  const certificate = await issue('carla')
  expect(await holds(certificate)).toBe(true)
  const { change, delete: remove } = here.client.calls.users
  for (const lost of [{ disabled: true }, { role: 'viewer' as const }]) {
    await change({ username: 'carla', ...lost })
    expect(await holds(certificate)).toBe(false)
    await change({ username: 'carla', disabled: false, role: 'operator' })
    expect(await holds(certificate)).toBe(true)
  }
  await remove({ username: 'carla' })
  expect(await holds(certificate)).toBe(false)
  expect((await here.client.calls.certificates.list({ name: 'carla' })).certificates[0]).toMatchObject({
    ...{ state: 'revoked', revoke_reason: 'the account was deleted' },
  })
  await expect(issue('carla')).rejects.toMatchObject({ code: 'conflict' })
})

test('the command line of every server keeps its credential when the account behind it loses its rights', async () => {
  const second = await here.person('admin', 'second')
  await second.client.calls.users.change({ username: 'admin', role: 'viewer' })
  for (const { config } of [here, there]) {
    const path = `${config.dataDir}/secrets/local.token`
    const works = async (): Promise<boolean> => {
      const token = (await readFile(path, 'utf8')).trim()
      return (await (await there.fetch('/me', { token })).text()).includes('"admin"')
    }
    await until(works, 'a credential of another administrator', 5_000)
  }
})
