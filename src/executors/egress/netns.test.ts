/** The two ends that are put together outside of sandboxes: the process of the ways out, and a forwarder in a foreign network. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { childrenOf } from '../processes.ts'
import { noPerl, notRoot } from '../testing/needs.ts'
import { until } from '../testing/until.ts'
import { forwarderSubs, proxyPort } from './forwarder.ts'
import { cannotEnter, relayInto } from './netns.ts'
import { WaysOut } from './ways-out.ts'

const run = promisify(execFile)

let dir: string
let ways: WaysOut
let to: string
const server = createServer((socket) => void socket.on('error', () => {}).end('through\n'))
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-netns-'))
  chmodSync(dir, 0o711)
  ways = new WaysOut(join(dir, 'egress'))
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  to = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  ways?.close()
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

test.skipIf(noPerl)('the forwarder compiles without a word', () => {
  const script = `use strict; use warnings; ${forwarderSubs}`
  expect(execFileSync('perl', ['-c', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] }).toString()).toBe('')
})

test('a way is open until it is closed, and its name can be used again', async () => {
  const request = { name: 'one', list: [to], allow: [to] }
  const way = await ways.open(request)
  expect(existsSync(way.socket)).toBe(true)
  expect(await way.close()).toEqual([])
  expect(await way.close()).toEqual([])
  expect(readdirSync(join(dir, 'egress'))).toEqual([])
  await (await ways.open(request)).close()
})

test('one that cannot be opened says why, and holds nothing', async () => {
  const request = { name: `${'x'.repeat(200)}`, list: [to], allow: [to] }
  await expect(ways.open(request)).rejects.toThrow(/^no way out could be opened: /)
})

test.skipIf(notRoot || noPerl)(
  'a network that is not ours gets a forwarder, which is nobody and ends with us',
  async () => {
    expect(cannotEnter()).toBeNull()
    const foreign = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up 2>/dev/null; echo up; exec sleep 60'])
    const pid = foreign.pid!
    await new Promise((resolve) => foreign.stdout.once('data', resolve))
    const way = await ways.open({ name: 'two', list: [to], allow: [to] })
    const inside = [
      'nsenter',
      `--net=/proc/${pid}/ns/net`,
      'curl',
      '-sSp',
      '--http0.9',
      '-m',
      '5',
      '--noproxy',
      '',
    ] as const
    const curl = async (url: string): Promise<string> => {
      const [file, ...args] = inside
      return (await run(file, [...args, '-x', `http://127.0.0.1:${proxyPort}`, url])).stdout
    }
    const before = new Set(childrenOf(process.pid))
    const relay = await relayInto(pid, way.socket)
    const [forwarder] = childrenOf(process.pid).filter((child) => !before.has(child))
    expect(readFileSync(`/proc/${forwarder}/status`, 'latin1')).toMatch(
      /^Uid:(\s+65534){4}\nGid:(\s+65534){4}\n[^]*^Groups:\s*(65534)?\s*\n[^]*CapEff:\s+0+\n/m,
    )
    expect(await curl(`http://${to}/`)).toBe('through\n')
    await expect(curl('http://127.0.0.1:1/')).rejects.toThrow(/response 403/)
    expect(await way.close()).toEqual(['127.0.0.1:1'])
    await expect(relayInto(pid, way.socket)).rejects.toThrow(/port 3128: Address already in use/)
    relay.close()
    await until(() => !childrenOf(process.pid).includes(forwarder!))
    foreign.kill('SIGKILL')
    await new Promise((resolve) => foreign.once('exit', resolve))
    await expect(relayInto(pid, way.socket)).rejects.toThrow(/cannot be entered: nsenter/)
  },
)
