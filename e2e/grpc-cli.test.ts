/** The command line over gRPC with mutual TLS, from a machine that has nothing but the certificate. */
import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job } from '../src/api/contract/index.ts'
import { ended, exited, freePort, startSystem, until, type System } from './system.ts'

const bin = fileURLToPath(new URL('../bin/runyard.js', import.meta.url))
let system: System
let home: string
let server: string

beforeAll(async () => {
  const port = await freePort()
  server = `127.0.0.1:${port}`
  system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4', RUNYARD_GRPC_PORT: String(port) })
  home = await mkdtemp(join(tmpdir(), 'runyard-grpc-cli-'))
  await done(['certs', 'init'])
  await done(['certs', 'issue', '--role', 'admin', 'admin', '--out', home])
  await done(['certs', 'issue', '--role', 'viewer', 'vera', '--out', home])
  await until('the gRPC port', async () => (await cli(['ls'])).code === 0, 20_000)
}, 120_000)
afterAll(async () => {
  await system?.stop()
  await rm(home, { recursive: true, force: true })
})

async function done(args: string[]): Promise<void> {
  const { code, stderr } = await system.cli(args)
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' })
}

interface Said {
  code: number | null
  stdout: string
  stderr: string
}
type As = 'admin' | 'vera' | 'nobody'

function begin(args: string[], as: As = 'admin') {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: home,
    // Nothing is in it: what works here works over the network.
    RUNYARD_DATA_DIR: join(home, 'no-data'),
    ...(as === 'nobody' ? {} : { RUNYARD_CERT: join(home, `${as}.crt`), RUNYARD_SERVER: server }),
  }
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString()
  const closed = new Promise<Said>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout: text(out), stderr: text(err) }))
  })
  return { child, closed, said: () => text(out) }
}
const cli = (args: string[], as?: As): Promise<Said> => begin(args, as).closed

async function start(args: string[]): Promise<string> {
  const { stdout, stderr, code } = await cli(['start', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Started job with ID: [0-9a-z]{12}\n$/)
  return stdout.trim().slice(-12)
}

describe("the seed's commands", () => {
  test('start, status, log', async () => {
    const first = await start(['echo', 'Hello World'])
    const second = await start(['--', 'bash', '-c', 'echo Hello World; echo Oh >&2'])
    for (const id of [first, second]) await ended(system, id)
    expect(await cli(['status', first])).toEqual({ code: 0, stdout: 'completed\n', stderr: '' })
    expect(await cli(['log', first])).toEqual({ code: 0, stdout: 'Hello World\n', stderr: '' })
    expect(await cli(['log', '-f', second])).toEqual({ code: 0, stdout: 'Hello World\n', stderr: 'Oh\n' })
  })

  test('stop, and log -f of what runs', async () => {
    const id = await start(['--', 'bash', '-c', 'echo ready; sleep 600'])
    const following = begin(['log', '-f', id])
    await until('the first line', async () => following.said() === 'ready\n')
    expect((await cli(['status', id])).stdout).toBe('running\n')
    expect(await cli(['log', id])).toEqual({ code: 0, stdout: 'ready\n', stderr: '' })
    expect(await cli(['stop', id])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await cli(['status', id])).stdout).toBe('terminated\n')
    expect(await following.closed).toEqual({ code: 0, stdout: 'ready\n', stderr: '' })
    expect((await system.api.calls.jobs.get({ id })).result).toMatchObject({ remaining_processes: 0 })
  })

  test('names and lists', async () => {
    const id = await start(['-n', 'hello_world', '--job-label', 'app=hello', '--', 'echo', 'Hello', 'World'])
    await ended(system, id)
    const lines = (await cli(['ls'])).stdout.split('\n')
    expect(lines[0]).toMatch(/^ID +NAME +STATE +EXIT/)
    expect(lines[1]).toMatch(new RegExp(`^${id} +hello_world +succeeded +0`))
    for (const filter of [
      ['--name', 'hello_w'],
      ['--label', 'app=hello'],
      ['--state', 'completed', '--limit', '1'],
    ]) {
      const found = JSON.parse((await cli(['ls', '--json', ...filter])).stdout) as Job[]
      expect(found.map((job) => job.id)).toEqual([id])
    }
    expect(JSON.parse((await cli(['status', '--json', id])).stdout)).toEqual(await system.api.calls.jobs.get({ id }))
  })
})

test('the same exit codes and words as over REST', async () => {
  const same = async (args: string[]): Promise<Said> => {
    const [here, rest] = [await cli(args), await system.cli(args)]
    expect(here).toEqual(rest)
    return here
  }
  expect(await same(['status', 'zzzzzzzzzzzz'])).toMatchObject({ code: 1, stdout: '' })
  expect(await same(['stop', 'zzzzzzzzzzzz'])).toMatchObject({ code: 1 })
  expect(await same(['log', 'zzzzzzzzzzzz'])).toMatchObject({ code: 1 })
  expect(await same(['start', '--memory', '1', '--', 'true'])).toMatchObject({ code: 2 })
  expect(await same(['run', '--', 'bash', '-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({ code: 7 })
  expect((await cli(['user', 'ls'])).stderr).toContain('--server http://HOST:8000')
})

test('binary output is the same, byte for byte, from any place', async () => {
  const id = await start(['--', 'bash', '-c', 'head -c 3000000 /dev/urandom | tee /dev/stderr'])
  await ended(system, id)
  const raw = (args: string[]) => {
    const { child } = begin(['log', id, '--stream', 'stdout', ...args])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    return new Promise<Buffer>((resolve) => child.once('close', () => resolve(Buffer.concat(chunks))))
  }
  const all = await raw([])
  expect(all.length).toBe(3_000_000)
  expect((await raw(['--offset', '2999000'])).equals(all.subarray(2_999_000))).toBe(true)
})

test('a server that is restarted in the middle of log -f costs no byte and doubles none', async () => {
  const script = 'for i in $(seq 120); do echo line $i; sleep 0.1; done'
  const id = await start(['--', 'bash', '-c', script])
  const following = begin(['log', '-f', id])
  await until('some lines', async () => following.said().includes('line 10\n'))
  system.up!.kill('SIGKILL')
  await exited(system.up!)
  await system.start()
  const expected = Array.from({ length: 120 }, (_, i) => `line ${i + 1}\n`).join('')
  expect(await following.closed).toEqual({ code: 0, stdout: expected, stderr: '' })
})

describe('refusals have one clear line each', () => {
  const oneLine = ({ code, stdout, stderr }: Said): string => {
    expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 2 })
    return stderr
  }

  test('a viewer looks and starts nothing', async () => {
    expect((await cli(['ls'], 'vera')).code).toBe(0)
    expect(oneLine(await cli(['start', 'true'], 'vera'))).toContain('viewer')
  })

  test('keys that others can read, that are not there, or belong elsewhere', async () => {
    await copyFile(join(home, 'admin.key'), join(home, 'open.key'))
    await chmod(join(home, 'open.key'), 0o644)
    const open = await cli(['ls', '--key', join(home, 'open.key')])
    expect(oneLine(open)).toContain(`chmod 600 ${join(home, 'open.key')}`)
    expect(await cli(['ls', '--key', join(home, 'none.key')])).toMatchObject({ code: 2 })
    const foreign = await cli(['ls', '--key', join(home, 'vera.key')])
    expect(foreign).toMatchObject({ code: 2, stderr: expect.stringContaining('does not belong to') })
    expect(await cli(['ls', '--cert', join(home, 'admin.crt'), '--server', 'http://127.0.0.1:1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('host:port'),
    })
  })

  test('another authority, a port that is no gRPC, nobody there', async () => {
    const other = join(home, 'other.crt')
    await writeFile(other, await foreignAuthority())
    expect(oneLine(await cli(['ls', '--ca', other]))).toContain('another authority')
    const rest = new URL(system.url).host
    expect(oneLine(await cli(['ls', '--server', rest]))).toContain('gRPC')
    expect(oneLine(await cli(['ls', '--server', `127.0.0.1:${await freePort()}`]))).toContain('nobody listens there')
  })

  test('a certificate that was revoked', async () => {
    await done(['certs', 'issue', '--role', 'operator', 'otto', '--out', home])
    const as = ['--cert', join(home, 'otto.crt')]
    expect((await cli(['ls', ...as])).code).toBe(0)
    await done(['certs', 'revoke', 'otto'])
    expect(oneLine(await cli(['ls', ...as]))).toContain('revoked')
  })
})

test('a saved login: kept, shown, used from anywhere, forgotten', async () => {
  const files = ['--cert', join(home, 'admin.crt'), '--key', join(home, 'admin.key'), '--ca', join(home, 'ca.crt')]
  const login = await cli(['login', ...files, server], 'nobody')
  expect(login.stdout).toMatch(new RegExp(`^Signed in to ${server} as admin \\(admin\\), until \\d{4}-`))
  expect((await cli(['ls'], 'nobody')).code).toBe(0)
  expect((await cli(['login', '--list'], 'nobody')).stdout).toMatch(new RegExp(`\\* +${server} +admin +/`))
  const kept = await readFile(join(home, '.config', 'runyard', 'logins.json'), 'utf8')
  expect(kept).not.toContain('PRIVATE KEY')
  // What gRPC does not have says so, and leaves no server behind here.
  const fan = ['--submit', '--axis', 'n=1..2', '--', 'true']
  for (const [name, ...rest] of [['batch ls'], ['batch matrix', ...fan], ['batch template ls']]) {
    const refused = `runyard: ${name} does not go over gRPC, where your login is (${server})`
    const said = await cli([...name!.split(' '), ...rest], 'nobody')
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining(refused) })
  }
  expect((await cli(['logout'], 'nobody')).stdout).toContain(`Forgot the login to ${server}`)
  expect((await cli(['ls'], 'nobody')).code).toBe(1)
})

async function foreignAuthority(): Promise<string> {
  const { createAuthority } = await import('../src/x509/authority.ts')
  return (await createAuthority({ name: 'Somebody else', years: 1 })).certificatePem
}
