import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { clientsSocket, hostInstance, type HostOptions } from './host.ts'
import { joinInstance } from './member.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function aHost(options: Partial<HostOptions> = {}) {
  const runDir = await mkdtemp(join(tmpdir(), 'ry-run-'))
  cleanups.push(() => rm(runDir, { recursive: true }))
  const events: string[] = []
  let changed = (): void => {}
  const note = (event: string): void => {
    events.push(event)
    changed()
  }
  const host = await hostInstance({
    runDir,
    version: '1',
    ephemeral: true,
    onRunnerWanted: () => note('runner'),
    onAbandoned: (id) => note(`abandoned ${id}`),
    onLastClientGone: () => note('last'),
    onStopAsked: () => note('stop'),
    ...options,
  })
  cleanups.push(() => host.close())
  const until = async (event: string): Promise<void> => {
    while (!events.includes(event)) await new Promise<void>((resolve) => (changed = resolve))
  }
  return { host, runDir, events, until }
}

test('clients wait until the server is ready, and hear how far it is', async () => {
  const { host, runDir } = await aHost()
  const told: string[] = []
  host.progress('database')
  const onProgress = (text: string): void => {
    told.push(text)
    host.ready('http://x')
  }
  expect(await joinInstance(runDir, { runner: true, onProgress })).toMatchObject({
    url: 'http://x',
    version: '1',
    pid: process.pid,
  })
  expect(told).toEqual(['database'])
})

test('the last client out stops an ephemeral server, and waits for its end', async () => {
  const { host, runDir, events, until } = await aHost()
  host.ready('http://x')
  const [a, b] = [await joinInstance(runDir, { runner: true }), await joinInstance(runDir, { runner: false })]
  await a!.leave()
  expect(events).toEqual(['runner'])
  let stopped = false
  const leaving = b!.leave().then(() => (stopped = true))
  await until('last')
  expect(stopped).toBe(false)
  expect(await joinInstance(runDir, { runner: true })).toBeUndefined()
  await host.close()
  await leaving
})

test('a killed client abandons its job and counts as gone', async () => {
  const { host, runDir, until } = await aHost()
  host.ready('http://x')
  const socket = createConnection(clientsSocket(runDir))
  socket.write('{"type":"join","runner":true}\n{"type":"job","id":"abc"}\n')
  await until('runner')
  socket.destroy()
  await until('abandoned abc')
  await until('last')
})

test('a job whose client left properly is not abandoned; a service stays', async () => {
  const { host, runDir, events } = await aHost({ ephemeral: false })
  host.ready('http://x')
  const member = await joinInstance(runDir, { runner: true })
  member!.bindJob('abc')
  await member!.leave()
  expect(await joinInstance(runDir, { runner: false })).toBeDefined()
  expect(events).toEqual(['runner'])
})

test('keep makes an ephemeral server stay', async () => {
  const { host, runDir, events } = await aHost()
  host.ready('http://x')
  const member = await joinInstance(runDir, { runner: true })
  await member!.keep()
  expect(host.isEphemeral()).toBe(false)
  await member!.leave()
  const again = await joinInstance(runDir, { runner: false })
  expect(again).toBeDefined()
  expect(events).not.toContain('last')
})

test('an ephemeral server that nobody joins gives up', async () => {
  const { until } = await aHost({ firstClientMs: 20 })
  await until('last')
})

test('a failed start is told to who waits for it, when its server has ended', async () => {
  const { host, runDir, until } = await aHost()
  let told = false
  const joining = joinInstance(runDir, { runner: true }).finally(() => (told = true))
  setTimeout(() => host.failed('no database'), 20)
  const ended = until('last').then(() => {
    expect(told).toBe(false)
    return host.close()
  })
  await expect(joining).rejects.toThrow('no database')
  await ended
})

test('trouble that comes later is told, and does not eat other answers', async () => {
  const { host, runDir } = await aHost()
  host.ready('http://x')
  const member = await joinInstance(runDir, { runner: true })
  await member!.keep()
  host.failed('no runner')
  expect(await member!.trouble).toBe('no runner')
  await member!.leave()
  // Who comes later and needs one is told at once; who only reads or stops the server is not turned away.
  await expect(joinInstance(runDir, { runner: true })).rejects.toThrow('no runner')
  const reader = await joinInstance(runDir, { runner: false })
  expect(reader!.url).toBe('http://x')
  await reader!.leave()
})

test('only the owner may connect', async () => {
  const { runDir } = await aHost()
  expect((await stat(clientsSocket(runDir))).mode & 0o777).toBe(0o600)
})
