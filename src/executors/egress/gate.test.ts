/** Who may be talked to. */
import type { lookup } from 'node:dns'
import { createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGate, NotConnected } from './gate.ts'
import { createOrigins, listen, sayTo } from './testing/origins.ts'

let origins: Awaited<ReturnType<typeof createOrigins>>
let port: number
beforeAll(async () => {
  origins = await createOrigins()
  port = origins.port
})
afterAll(() => origins?.close())
const say: (...args: Parameters<typeof sayTo> extends [string, ...infer Rest] ? Rest : never) => Promise<string> = (
  ...args
) => sayTo(origins.socket, ...args)
const get = (address: string, more = ''): Promise<string> =>
  say(`GET ${address} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n${more}\r\n`)

/** Each as CONNECT, which says the reason. */
test.each<[string, RegExp, string[]]>([
  ['elsewhere.test:PORT', /403 [^]*is not in the job's list/, []],
  ['only-job.test:PORT', /403 [^]*is not in what the administrator allows/, []],
  ['x.admin.test:PORT', /403 [^]*is not in the job's list/, []],
  ['inside.test:1', /403 [^]*is not in the job's list/, []],
  ['127.0.0.1:1', /403 [^]*is not in the job's list/, []],
  ['127.0.0.2:PORT', /403 [^]*is not in the job's list/, []],
  ['[::1]:PORT', /403 [^]*is not in the job's list/, []],
  ['169.254.169.254:PORT', /403 [^]*is not in the job's list/, []],
  // Names lead to public addresses only, unless the address is listed too.
  ['metadata.test:PORT', /403 [^]*is at 169\.254\.169\.254, which is not public/, ['metadata.test']],
  ['unknown.test:PORT', /502 [^]*cannot be found \(ENOTFOUND\)/, ['unknown.test']],
  // What a resolver would take for 127.0.0.1.
  ...['127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.1.x_-', 'localhost.', '0'].map(
    (host): [string, RegExp, string[]] => [`${host}:PORT`, /403 /, []],
  ),
])('%s: no', async (to, words, looked) => {
  origins.state.asked = []
  const said = await say(`CONNECT ${to.replace('PORT', String(port))} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(said).toMatch(words)
  // A name that is not listed is not even looked up: that alone would tell somebody something.
  expect(origins.state.asked).toEqual(looked)
})

test.each([
  ['inside.test', 'its address is listed too'],
  ['both.test', 'the address that is not listed is not tried'],
  ['mapped.test', 'an IPv4 address in IPv6 is that address'],
  ['INSIDE.test.', 'case and a last dot mean nothing'],
  ['[::ffff:127.0.0.1]', 'nor does the form of an address'],
])('%s: yes, %s', async (host) => {
  expect(await get(`http://${host}:${port}/`)).toContain('200 OK')
})

test('a name that means something else the second time gains nothing', async () => {
  const answered = [['127.0.0.1'], ['169.254.169.254']]
  const rebinding = ((_host: string, _options: unknown, done: (...args: unknown[]) => void) =>
    done(null, [{ address: (answered.shift() ?? [])[0], family: 4 }])) as typeof lookup
  const refused: string[] = []
  const list = [`127.0.0.1:${port}`, `rebind.test:${port}`]
  const gate = createGate({ list, allow: list, lookup: rebinding, onRefused: (to) => refused.push(to) })
  const first = await gate.connect('rebind.test', port)
  expect(first.remoteAddress).toBe('127.0.0.1')
  first.destroy()
  await expect(gate.connect('rebind.test', port)).rejects.toMatchObject({ kind: 'refused' })
  expect(refused).toEqual([`rebind.test:${port}`])
})

test('all that is public is not this machine, and not what only looks like an address', async () => {
  const own = Object.values(networkInterfaces()).flatMap((of) => of ?? [])
  const names = new Map(own.map(({ address }, i) => [`own-${i}.test`, address.replace(/%.*/, '')]))
  const lookOwn = ((host: string, _options: unknown, done: (...args: unknown[]) => void) =>
    done(null, [{ address: names.get(host), family: 4 }])) as typeof lookup
  const allow = [`**:${port}`, '**']
  const gate = createGate({ list: [`*.test:${port}`, '0.0.0.0/0', '::/0'], allow, lookup: lookOwn })
  for (const host of names.keys()) await expect(gate.connect(host, port)).rejects.toBeInstanceOf(NotConnected)
  for (const host of [
    '10.0.0.1',
    '127.0.0.1',
    '::1',
    '169.254.169.254',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '0.0.0.0',
  ])
    await expect(gate.connect(host, 80)).rejects.toMatchObject({ kind: 'refused' })
  for (const host of ['', ' ', 'a b.test', 'a\r\nb.test', '%31.test', 'ａ.test', '*.test', '[::1]'])
    await expect(gate.connect(host, port)).rejects.toMatchObject({ message: 'that is no name of a host' })
})

test('IPv6', async ({ skip }) => {
  const server = createServer((socket: Socket) => void socket.on('error', () => {}))
  const six = await listen(server, '::1').catch(() => skip('no IPv6 here'))
  const list = [`[::/64]:${six as number}`, `six.test:${six as number}`]
  const gate = createGate({ list, allow: list, lookup: origins.lookUp })
  for (const host of ['::1', '0:0:0:0:0:0:0:1', 'six.test']) {
    const socket = await gate.connect(host, six as number)
    expect(socket.remoteAddress).toBe('::1')
    socket.destroy()
  }
  server.close()
})
