/** Clients that know the seed's text and nothing of ours, against a real Runyard over mutual TLS. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import grpc from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { noForeignClient } from './foreign/needs.ts'
import {
  ask,
  makeAuthority,
  pem,
  pythonClient,
  seedClient,
  startGrpcSystem,
  v1Client,
  type Certificate,
  type GrpcSystem,
  type PythonClient,
  type SeedClient,
} from './foreign/system.ts'
import { ended, exited, readServerFile, until } from './system.ts'

/** The full size of the issue runs by hand: RUNYARD_STREAM_MIB=200 npx vitest run e2e/grpc-foreign.test.ts */
const mib = Number(process.env['RUNYARD_STREAM_MIB'] ?? 24)

const run = promisify(execFile)
const buf = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url))

let system: GrpcSystem
let admin: Certificate
let viewer: Certificate

beforeAll(async () => {
  if (noSandbox) return
  system = await startGrpcSystem({ RUNYARD_DEFAULT_OUTPUT_BYTES: '1G', RUNYARD_RUNNER_SLOTS: '4' })
  await makeAuthority(system)
  admin = await system.certificate('admin', 'ada')
  viewer = await system.certificate('viewer', 'vera')
}, 120_000)
afterAll(() => system?.stop(), 60_000)

function foreign(certificate: Certificate): PythonClient {
  const client = pythonClient(system, certificate)
  onTestFinished(() => client.stop())
  return client
}
function grpcJs(certificate: Certificate): SeedClient {
  const client = seedClient(system, certificate)
  onTestFinished(() => client.close())
  return client
}

/** Prints random bytes, and their sum when it is done: what every reader must come to. */
const randomOutput = (bytes: number): { command: string; args: string[] } => ({
  command: 'sh',
  args: ['-c', `mkfifo copy; sha256sum <copy >&2 & head -c ${bytes} /dev/urandom | tee copy; wait`],
})

interface Got {
  sha256: string
  bytes: number
  stderr: string
}

/** Reads to the end at the pace of the network. */
async function readAll(stream: AsyncIterable<{ stdout?: Uint8Array; stderr?: Uint8Array }>): Promise<Got> {
  const sum = createHash('sha256')
  let bytes = 0
  let stderr = ''
  for await (const { stdout, stderr: err } of stream) {
    if (stdout) sum.update(stdout)
    bytes += stdout?.length ?? 0
    if (err) stderr += Buffer.from(err).toString('latin1')
  }
  return { sha256: sum.digest('hex'), bytes, stderr }
}

/** MiB. */
const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
/** Seconds; the clock of /proc ticks a hundred times in one. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

describe.skipIf(noSandbox || noForeignClient)('python3-grpcio', () => {
  test('starts, asks, reads and stops a job in the seed’s words', async () => {
    const client = foreign(admin)
    const { jobId } = await client.ask('start', { command: 'sh', args: ['-c', 'echo out; printf "\\0\\377" >&2'] })
    expect(jobId).toMatch(/^[0-9a-z]{12}$/)
    expect(await client.ask('read', { jobId })).toMatchObject({
      ...{ sha256: createHash('sha256').update('out\n').digest('hex'), bytes: 4, stderr: '\0\xff' },
    })
    expect(await client.ask('status', { jobId })).toEqual({ jobId, status: 'completed' })
    const sleeping = await client.ask('start', { command: 'sleep', args: ['600'] })
    expect(await client.ask('stop', sleeping)).toMatchObject({ status: 'stopped' })
    await ended(system, String(sleeping['jobId']))
    expect(await client.ask('status', sleeping)).toMatchObject({ status: 'terminated' })
    expect(await client.ask('stop', { jobId })).toMatchObject({ status: 'error' })
    expect(await client.ask('stop', { jobId: '000000000000' })).toMatchObject({ status: 'not found' })
  })

  test('what is refused is refused in gRPC’s codes', async () => {
    const [client, looking] = [foreign(admin), foreign(viewer)]
    const error = (name: string) => ({ error: name })
    expect(await client.ask('start', { command: '', args: [] })).toEqual({
      ...{ error: 'INVALID_ARGUMENT', details: 'command: the program name must not be empty' },
    })
    expect(await client.ask('status', { jobId: '000000000000' })).toMatchObject(error('NOT_FOUND'))
    expect(await client.ask('status', { jobId: 'аааааааааааа' })).toMatchObject(error('NOT_FOUND'))
    expect(await client.ask('read', { jobId: '../../etc' })).toMatchObject(error('NOT_FOUND'))
    const big = 'x'.repeat(5 * 1024 * 1024)
    expect(await client.ask('start', { command: big, args: [] })).toMatchObject(error('RESOURCE_EXHAUSTED'))
    expect(await looking.ask('start', { command: 'true', args: [] })).toMatchObject(error('PERMISSION_DENIED'))
    const { jobId } = await client.ask('start', { command: 'sleep', args: ['600'] })
    expect(await looking.ask('stop', { jobId })).toMatchObject(error('PERMISSION_DENIED'))
    expect(await looking.ask('status', { jobId })).toMatchObject({ jobId })
    expect(await client.ask('read', { jobId, timeout: 0.5 })).toMatchObject(error('DEADLINE_EXCEEDED'))
    await client.ask('stop', { jobId })
  })

  test(`${mib} MiB of binary output, beside 20 other readers and one that stalls`, async () => {
    const bytes = mib * 1024 * 1024
    const client = foreign(admin)
    const { pid } = await readServerFile(system)
    const [memory, cpu] = [memoryOf(pid), cpuOf(pid)]
    let most = memory
    const watch = setInterval(() => (most = Math.max(most, memoryOf(pid))), 200)
    onTestFinished(() => clearInterval(watch))

    const { jobId } = (await client.ask('start', randomOutput(bytes))) as { jobId: string }
    const stalled = foreign(viewer)
    await stalled.ask('stall', { jobId })
    const began = performance.now()
    const others = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? readAll(grpcJs(viewer).subscribeOutput({ jobId }) as AsyncIterable<object>)
        : readAll(v1Client(system, viewer).subscribeOutput({ jobId })),
    )
    const mine = (await client.ask('read', { jobId })) as unknown as Got
    const all = await Promise.all(others)
    const seconds = (performance.now() - began) / 1000
    clearInterval(watch)

    const [sum] = mine.stderr.split(' ')
    expect(sum).toMatch(/^[0-9a-f]{64}$/)
    for (const got of [mine, ...all]) expect([got.sha256, got.bytes]).toEqual([sum, bytes])
    console.log(
      `${mib} MiB to 21 readers in ${seconds.toFixed(1)} s, ${(cpuOf(pid) - cpu).toFixed(1)} s of the server's CPU; ` +
        `its memory ${Math.round(memory)} MiB before, at most ${Math.round(most)}`,
    )
    // The one that stalled has its place still.
    expect(await stalled.ask('rest')).toEqual({ sha256: sum, bytes })
  }, 600_000)

  test('a client that is killed in the middle costs the server nothing afterwards', async () => {
    const port = Number(system.target.split(':')[1]).toString(16).toUpperCase().padStart(4, '0')
    // The server's ends of connections that stand (state 01).
    const ends = new RegExp(`^ *\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 01 `, 'gm')
    const open = (): number => readFileSync('/proc/net/tcp', 'utf8').match(ends)?.length ?? 0
    const { jobId } = (await foreign(admin).ask('start', randomOutput(32 * 1024 * 1024))) as { jobId: string }
    await ended(system, jobId)
    const before = open()
    const stalled = Array.from({ length: 5 }, () => foreign(viewer))
    await Promise.all(stalled.map((client) => client.ask('stall', { jobId })))
    expect(open()).toBeGreaterThanOrEqual(stalled.length)
    for (const { process } of stalled) process.kill('SIGKILL')
    await until('their connections to end', async () => open() <= before)
  })
})

describe.skipIf(noSandbox)('grpc-js', () => {
  test('Start, QueryStatus, SubscribeOutput, Stop', async () => {
    const client = grpcJs(admin)
    const { jobId } = await ask(client, 'start', { command: 'sh', args: ['-c', 'echo hello; exec sleep 600'] })
    const stream = client.subscribeOutput({ jobId })
    const first = await new Promise<Record<string, Uint8Array>>((resolve, reject) => {
      stream.once('data', resolve).once('error', reject)
    })
    expect(Buffer.from(first['stdout']!).toString()).toBe('hello\n')
    await until('it runs', async () => (await ask(client, 'queryStatus', { jobId }))['status'] === 'running')
    expect(await ask(client, 'stop', { jobId })).toMatchObject({ status: 'stopped' })
    const [end] = (await new Promise((resolve) => stream.once('status', (...status) => resolve(status)))) as [
      grpc.StatusObject,
    ]
    expect(end.code).toBe(grpc.status.OK)
    expect(await ask(client, 'queryStatus', { jobId })).toMatchObject({ status: 'terminated' })
    await expect(ask(client, 'queryStatus', { jobId: 'x' })).rejects.toMatchObject({ code: grpc.status.NOT_FOUND })
    await expect(ask(grpcJs(viewer), 'start', { command: 'true' })).rejects.toMatchObject({
      code: grpc.status.PERMISSION_DENIED,
    })
  })

  test('a deadline and a cancel end the stream, and nothing else on the connection', async () => {
    const client = grpcJs(admin)
    const { jobId } = await ask(client, 'start', { command: 'sleep', args: ['600'] })
    const ending = (options: grpc.CallOptions, leave = false): Promise<number> =>
      new Promise((resolve) => {
        const stream = client.subscribeOutput({ jobId }, options)
        stream.on('data', () => {})
        stream.on('error', (error: grpc.ServiceError) => resolve(error.code))
        if (leave) setTimeout(() => stream.cancel(), 300)
      })
    expect(await ending({ deadline: Date.now() + 500 })).toBe(grpc.status.DEADLINE_EXCEEDED)
    expect(await ending({}, true)).toBe(grpc.status.CANCELLED)
    expect(await ask(client, 'stop', { jobId })).toMatchObject({ status: 'stopped' })
  })

  test('a request that never comes holds its stream and nobody else’s', async () => {
    const session = http2.connect(`https://${system.target}`, pem(admin))
    onTestFinished(() => session.destroy())
    const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' }
    const half = session.request({ ...headers, ':path': '/JobService/SubscribeOutput' }, { endStream: false })
    half.on('error', () => {})
    half.write(Buffer.from([0, 0, 0, 0, 14, 10])) // 14 bytes promised, one given
    const whole = session.request({ ...headers, ':path': '/JobService/QueryStatus' })
    whole.end(Buffer.from([0, 0, 0, 0, 0]))
    const trailers = new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      whole.once('trailers', resolve).once('error', reject)
      whole.once('response', (given) => given['grpc-status'] !== undefined && resolve(given))
    })
    whole.resume()
    expect((await trailers)['grpc-status']).toBe('5')
    expect(half.closed).toBe(false)
  })
})

test.skipIf(noSandbox)('buf curl needs no file: reflection tells it what there is', async () => {
  const { cert, key, ca } = admin
  const curl = async (...args: string[]): Promise<string> => {
    const tls = ['--cacert', ca, '--cert', cert, '--key', key, '--servername', 'localhost', '--protocol', 'grpc']
    const { stdout } = await run(buf, ['curl', ...tls, ...args], { env: { ...process.env, HOME: system.dataDir } })
    return stdout
  }
  const url = `https://${system.target}`
  const methods = (await curl('--list-methods', url)).trim().split('\n')
  expect(methods).toEqual(expect.arrayContaining(['JobService/Start', 'runyard.v1.JobService/SubscribeOutput']))
  const { jobId } = JSON.parse(
    await curl('--data', '{"command": "echo", "args": ["Hello World"]}', `${url}/JobService/Start`),
  ) as { jobId: string }
  const output = await curl('--data', JSON.stringify({ jobId }), `${url}/JobService/SubscribeOutput`)
  expect(JSON.parse(output)).toEqual({ stdout: Buffer.from('Hello World\n').toString('base64') })
})

test.skipIf(noSandbox)(
  'the server is killed and started again in mid-stream: a reader goes on at next_offset, no byte missing or twice',
  async () => {
    const split = await startGrpcSystem({}, { up: false })
    onTestFinished(() => split.stop())
    let server = split.spawn(['server'])
    const runner = split.spawn(['runner'])
    onTestFinished(async () => {
      for (const child of [runner, server]) child.kill('SIGTERM')
      await Promise.all([runner, server].map(exited))
    })
    await until('the server', async () => (await fetch(`${split.url}/api/v1/ready`)).ok, 60_000)
    await makeAuthority(split)
    const client = v1Client(split, await split.certificate('admin', 'ada'))
    const lines = 150
    const { job } = await client.start({
      command: 'sh',
      args: ['-c', `for i in $(seq ${lines}); do echo line $i; sleep 0.05; done`],
    })
    const jobId = job!.jobId
    let got = ''
    let breaks = 0
    let place: Parameters<typeof client.subscribeOutput>[0] = { jobId }
    const reading = (async () => {
      for (;;) {
        try {
          for await (const { attempt, stdout, nextOffset, end } of client.subscribeOutput(place)) {
            got += Buffer.from(stdout).toString()
            place = { jobId, attempt, onward: true, offset: nextOffset }
            if (end) return end
          }
        } catch {
          breaks += 1
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    })()
    for (const seen of ['line 20\n', 'line 60\n']) {
      await until(`"${seen.trim()}"`, async () => got.includes(seen))
      const { pid } = await readServerFile(split)
      process.kill(pid, 'SIGKILL')
      await exited(server)
      server = split.spawn(['server'])
    }
    expect(await reading).toMatchObject({ state: 'succeeded', exitCode: 0 })
    expect(got).toBe(Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join(''))
    expect(breaks).toBeGreaterThanOrEqual(2)
  },
  240_000,
)
