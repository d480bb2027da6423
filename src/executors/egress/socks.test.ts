import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../testing/until.ts'
import { createOrigins, sayTo } from './testing/origins.ts'

let origins: Awaited<ReturnType<typeof createOrigins>>
let port: number
let rawPort: number
beforeAll(async () => {
  origins = await createOrigins()
  ;({ port, rawPort } = origins)
})
afterAll(() => origins?.close())
const say: (...args: Parameters<typeof sayTo> extends [string, ...infer Rest] ? Rest : never) => Promise<string> = (
  ...args
) => sayTo(origins.socket, ...args)
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
  const socket = connect({ path: origins.socket, allowHalfOpen: true })
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
  const flood = connect(origins.socket)
  flood.on('error', () => {})
  flood.write(Buffer.concat([Buffer.from([5, 255, ...Array<number>(255).fill(1)]), Buffer.alloc(1024 * 1024)]))
  await new Promise((resolve) => flood.once('close', resolve).resume())
})
