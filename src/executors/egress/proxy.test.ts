/** The gate and its two languages, against servers of this machine and a name server of our own. */
import type { lookup } from 'node:dns'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../testing/until.ts'
import { createGate, NotConnected } from './gate.ts'
import { socketName } from './protocol.ts'
import { mostConnections, openProxy, type Proxy } from './proxy.ts'

const names: Record<string, string[]> = {
  'inside.test': ['127.0.0.1'],
  'both.test': ['93.184.216.34', '127.0.0.1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'elsewhere.test': ['127.0.0.1'],
  'metadata.test': ['169.254.169.254'],
  'six.test': ['::1'],
}
let asked: string[] = []
const answers = ((host: string, _options: unknown, done: (...args: unknown[]) => void) => {
  asked.push(host)
  const found = names[host]
  if (found === undefined) return done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
  done(
    null,
    found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  )
}) as typeof lookup

const listen = async (server: Server, host = '127.0.0.1'): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

let dir: string
let port: number
let rawPort: number
let proxy: Proxy
let socketPath: string
const got: { line: string; headers: string[]; body: string }[] = []
let answer: (asked: IncomingMessage, res: ServerResponse) => void = (_, res) => void res.end('origin')
const raw: Buffer[] = []
const web = createHttp((req, res) => {
  const parts: Buffer[] = []
  req.on('data', (part: Buffer) => parts.push(part))
  req.on('end', () => {
    got.push({ line: `${req.method} ${req.url}`, headers: req.rawHeaders, body: Buffer.concat(parts).toString() })
    answer(req, res)
  })
})
/** Says what it hears, and a word when the other has ended. */
const echo = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    raw.push(bytes)
    socket.write(bytes)
  })
  socket.on('end', () => socket.end('over'))
})

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-egress-'))
  port = await listen(web)
  rawPort = await listen(echo)
  const open = [`127.0.0.1:${port}`, `127.0.0.1:${rawPort}`, `inside.test:${port}`, `both.test:${port}`]
  const list = [
    ...open,
    `mapped.test:${port}`,
    `metadata.test:${port}`,
    `unknown.test:${port}`,
    `only-job.test:${port}`,
  ]
  const allow = [...list.slice(0, -1), `*.admin.test:${port}`]
  proxy = await openProxy({ dir: join(dir, 'a'), list, allow, lookup: answers })
  socketPath = join(dir, 'a', socketName)
})
afterAll(async () => {
  await proxy?.close()
  web.close()
  echo.close()
  rmSync(dir, { recursive: true, force: true })
})

/** What comes back until the other side ends, or until `enough`. */
function say(
  words: string | Buffer,
  { end = false, enough = (heard: string): boolean => heard === null } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true })
    let heard = ''
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      if (enough(heard)) socket.destroy()
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(heard))
    socket.write(words)
    if (end) socket.end()
  })
}
const get = (address: string, more = ''): Promise<string> =>
  say(`GET ${address} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n${more}\r\n`)

describe('HTTP', () => {
  test('a request goes where its address says, whatever its Host', async () => {
    got.length = 0
    const said = await get(
      `http://127.0.0.1:${port}/a%20b?c=d`,
      'X-One: 1\r\nX-One: 2\r\nProxy-Authorization: Basic x\r\n',
    )
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\norigin$/)
    const [{ line, headers } = { line: '', headers: [] }] = got
    expect(line).toBe('GET /a%20b?c=d')
    expect(headers.join(' ')).toBe(`host 127.0.0.1:${port} X-One 1 X-One 2 connection close`)
  })

  test('bodies both ways, with a length and in pieces; several requests on one connection', async () => {
    got.length = 0
    answer = (_, res) => {
      res.write('in ')
      res.end('pieces')
    }
    const post = (more: string, body: string): string =>
      `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${more}\r\n${body}`
    const said = await say(
      post('Content-Length: 3\r\n', 'one') +
        post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '3\r\ntwo\r\n0\r\n\r\n'),
    )
    expect(got.map(({ body }) => body)).toEqual(['one', 'two'])
    expect(said.match(/3\r\nin \r\n6\r\npieces\r\n/g)).toHaveLength(2)
    answer = (_, res) => void res.end('origin')
  })

  test('an answer that is cut short is cut short', async () => {
    answer = (_, res) => {
      res.writeHead(200, { 'content-length': '100' }).write('half')
      setImmediate(() => res.socket?.destroy())
    }
    expect(await get(`http://127.0.0.1:${port}/`)).toMatch(/content-length: 100\r\n[^]*half$/i)
    answer = (_, res) => void res.end('origin')
  })

  test('CONNECT is a tunnel: each direction ends by itself', async () => {
    const said = await say(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\nHost: x\r\n\r\nearly`, { end: true })
    expect(said).toBe('HTTP/1.1 200 Connection established\r\n\r\nearlyover')
  })

  test.each([
    ['a second request inside a tunnel reaches the first server only', 'CONNECT both.test:443 HTTP/1.1\r\n\r\n'],
    ['so do bytes that look like an answer of ours', 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('%s', async (_name, smuggled) => {
    raw.length = 0
    asked = []
    await say(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\nHost: x\r\n\r\n${smuggled}`, { end: true })
    expect(Buffer.concat(raw).toString()).toBe(smuggled)
    expect(asked).toEqual([])
  })

  test.each([
    [
      'both lengths',
      'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET',
    ],
    [
      'two lengths',
      'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde',
    ],
    ['a bare line feed', 'GET http://127.0.0.1:PORT/ HTTP/1.1\nHost: x\n\n'],
    ['a folded header', 'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n'],
    [
      'another coding',
      'POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    ],
    ['no address', 'GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n'],
    ['https in the clear', 'GET https://127.0.0.1:PORT/ HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no port', 'CONNECT inside.test HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a port too large', 'CONNECT inside.test:65536 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a user in front', 'CONNECT a@inside.test:PORT HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['SOCKS 4', '\x04\x01\x00\x50\x7f\x00\x00\x01\x00'],
  ])('%s is a bad request', async (_name, words) => {
    got.length = 0
    // A body that nobody reads keeps the connection open; the answer is what counts.
    const said = await say(words.replaceAll('PORT', String(port)), { enough: (heard) => heard.includes('\r\n\r\n') })
    expect(said).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(got).toEqual([])
  })

  test('a server that wants another protocol does not get the connection', async () => {
    answer = (_, res) => void res.socket!.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    const said = await get(`http://127.0.0.1:${port}/`, 'Connection: Upgrade\r\nUpgrade: x\r\n')
    expect(said).toMatch(/^HTTP\/1\.1 502 /)
    answer = (_, res) => void res.end('origin')
  })

  test('what does not answer is no refusal', async () => {
    const closed = createServer()
    const nobody = await listen(closed)
    closed.close()
    const way = await openProxy({ dir: join(dir, 'b'), list: [`127.0.0.1:${nobody}`], allow: [`127.0.0.1:${nobody}`] })
    const before = socketPath
    socketPath = join(dir, 'b', socketName)
    expect(await get(`http://127.0.0.1:${nobody}/`)).toMatch(/^HTTP\/1\.1 502 [^]*ECONNREFUSED/)
    socketPath = before
    expect(way.refused()).toEqual([])
    await way.close()
  })
})

describe('who may be talked to', () => {
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
    asked = []
    const said = await say(`CONNECT ${to.replace('PORT', String(port))} HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(said).toMatch(words)
    // A name that is not listed is not even looked up: that alone would tell somebody something.
    expect(asked).toEqual(looked)
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
    const gate = createGate({ list, allow: list, lookup: answers })
    for (const host of ['::1', '0:0:0:0:0:0:0:1', 'six.test']) {
      const socket = await gate.connect(host, six as number)
      expect(socket.remoteAddress).toBe('::1')
      socket.destroy()
    }
    server.close()
  })
})

describe('SOCKS 5', () => {
  const hello = Buffer.from([5, 1, 0])
  const port16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255])
  const byName = (name: string, to: number, command = 1): Buffer =>
    Buffer.concat([hello, Buffer.from([5, command, 0, 3, name.length]), Buffer.from(name), port16(to)])
  const byAddress = (bytes: number[], to: number, kind = 1): Buffer =>
    Buffer.concat([hello, Buffer.from([5, 1, 0, kind, ...bytes]), port16(to)])
  const granted = '\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00'
  const reply = (code: number): string => `\x05\x00\x05${String.fromCharCode(code)}\x00\x01\x00\x00\x00\x00\x00\x00`

  test('by address and by name, with what was said early', async () => {
    for (const request of [
      byAddress([127, 0, 0, 1], rawPort),
      byAddress([...Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1], rawPort, 4),
    ])
      expect(await say(Buffer.concat([request, Buffer.from('early')]), { end: true })).toBe(`${granted}earlyover`)
    const said = await say(Buffer.concat([byName('inside.test', port), Buffer.from('GET / HTTP/1.0\r\n\r\n')]))
    expect(said.startsWith(granted) && said.endsWith('origin')).toBe(true)
  })

  test('one byte at a time is the same', async () => {
    const bytes = Buffer.concat([byAddress([127, 0, 0, 1], rawPort), Buffer.from('!')])
    const socket = connect({ path: socketPath, allowHalfOpen: true })
    let heard = ''
    socket.on('data', (more) => (heard += more.toString('latin1')))
    for (const byte of bytes) {
      socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.end()
    await until(() => heard === `${granted}!over`)
  })

  test.each<[string, () => Buffer, string]>([
    ['what is not listed', () => byName('elsewhere.test', port), reply(2)],
    ['what leads inside', () => byName('metadata.test', port), reply(2)],
    ['a name that is none', () => byName('a\r\nHost: b', port), reply(2)],
    ['an empty name', () => byName('', port), reply(2)],
    ['an unknown name', () => byName('unknown.test', port), reply(4)],
    ['port 0', () => byName('inside.test', 0), reply(1)],
    ['BIND', () => byName('inside.test', port, 2), reply(7)],
    ['UDP', () => byName('inside.test', port, 3), reply(7)],
    ['an unknown kind of address', () => byAddress([1, 2, 3, 4], port, 9), reply(8)],
    ['a password', () => Buffer.from([5, 1, 2]), '\x05\xff'],
    ['no method', () => Buffer.from([5, 0]), '\x05\xff'],
    ['another version inside', () => Buffer.concat([hello, Buffer.from([4, 1, 0, 1])]), '\x05\x00'],
  ])('%s is refused', async (_name, bytes, said) => {
    expect(await say(bytes(), { end: true })).toBe(said)
  })

  test('half a request that ends, and one that never ends, hold nothing', async () => {
    expect(await say(hello, { end: true })).toBe('\x05\x00')
    const flood = connect(socketPath)
    flood.on('error', () => {})
    flood.write(Buffer.concat([Buffer.from([5, 255, ...Array<number>(255).fill(1)]), Buffer.alloc(1024 * 1024)]))
    await new Promise((resolve) => flood.once('close', resolve).resume())
  })
})

test('its directory opens the way: nobody can list it, everybody inside can use it', () => {
  expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o711)
  expect(statSync(socketPath).mode & 0o777).toBe(0o666)
})

test('what was refused is told once each, the first twenty', async () => {
  const list = [`127.0.0.1:${port}`]
  const way = await openProxy({ dir: join(dir, 'c'), list, allow: list, lookup: answers })
  const before = socketPath
  socketPath = join(dir, 'c', socketName)
  for (let i = 0; i < 25; i++) await say(`CONNECT n${Math.floor(i / 2) * 2}.test:443 HTTP/1.1\r\n\r\n`)
  for (let i = 0; i < 25; i++) await say(`CONNECT m${i}.test:443 HTTP/1.1\r\n\r\n`)
  socketPath = before
  expect(way.refused().slice(0, 2)).toEqual(['n0.test:443', 'n2.test:443'])
  expect(way.refused()).toHaveLength(20)
  await way.close()
})

test('so many connections and no more; all end with the way', async () => {
  const list = [`127.0.0.1:${rawPort}`]
  const way = await openProxy({ dir: join(dir, 'd'), list, allow: list })
  const path = join(dir, 'd', socketName)
  let open = 0
  let shut = 0
  const sockets = Array.from({ length: mostConnections + 10 }, () => {
    const socket = connect(path)
    socket.on('error', () => {})
    socket.once('data', () => open++)
    socket.once('close', () => shut++)
    socket.write(`CONNECT 127.0.0.1:${rawPort} HTTP/1.1\r\n\r\n`)
    return socket
  })
  await until(() => open === mostConnections && shut === 10)
  await way.close()
  await until(() => shut === sockets.length)
})
