/** From nothing to a certificate that a stranger's TLS accepts, by the command line alone. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Certificate } from '../src/api/contract/index.ts'
import { decodeJoinToken } from '../src/x509/join-token.ts'
import { exited, startSystem, until, type System } from './system.ts'

let system: System
let out: string
let server: ReturnType<System['spawn']>

beforeAll(async () => {
  system = await startSystem({ RUNYARD_GRPC_PORT: '0' }, { up: false })
  out = join(system.dataDir, 'out')
  server = system.spawn(['server'])
  await until('the server', async () => (await fetch(`${system.url}/api/v1/ready`)).ok, 60_000)
})
afterAll(async () => {
  server.kill('SIGTERM')
  await exited(server)
  await system.stop()
})

const certs = (...args: string[]) => system.cli(['certs', ...args])
const grpcAddress = async (): Promise<string | undefined> =>
  (JSON.parse(await readFile(join(system.dataDir, 'server.json'), 'utf8')) as { grpc?: string }).grpc

test('init, issue, use, revoke', async () => {
  const early = await certs('issue', '--role', 'viewer', 'anna', '--out', out)
  expect([early.code, early.stdout, early.stderr]).toEqual([
    1,
    '',
    'runyard: there is no authority yet: runyard certs init\n',
  ])
  expect(await grpcAddress()).toBeUndefined()
  const steps = { stderr: expect.stringMatching(/^runyard: there is no authority yet: runyard certs init\n$/) }
  expect(await system.cli(['runner', 'token'])).toMatchObject({ code: 1, stdout: '', ...steps })
  expect(await certs('ls')).toMatchObject({ code: 0, stdout: '', ...steps })
  expect(await certs('init')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Made an authority, until \d{4}-/),
  })
  const again = await certs('init')
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/already.*--rotate/)])

  const made = await certs('issue', '--role', 'viewer', 'anna', '--out', out)
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(made.stdout).toMatch(/^Issued anna \(viewer\), until \d{4}-\d\d-\d\d; its id is \d+\n/)
  expect(readdirSync(out)).toEqual(['anna.crt', 'anna.key', 'ca.crt'])
  expect(readdirSync(out).map((name) => statSync(join(out, name)).mode & 0o777)).toEqual([0o644, 0o600, 0o644])
  const twice = await certs('issue', '--role', 'viewer', 'anna', '--out', out)
  expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('anna.crt is there already')])

  const address = await until('the gRPC port', grpcAddress, 15_000)
  const [host, port] = [address.slice(0, address.lastIndexOf(':')), Number(address.slice(address.lastIndexOf(':') + 1))]
  const [cert, key, ca] = await Promise.all(['anna.crt', 'anna.key', 'ca.crt'].map((name) => readFile(join(out, name))))
  const socket = connect({ host, port, cert, key, ca, ALPNProtocols: ['h2'] })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  expect([socket.authorized, socket.getProtocol(), socket.getPeerCertificate().subject.OU]).toEqual([
    true,
    'TLSv1.3',
    'server',
  ])
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {}).resume()

  const short = await certs('issue', '--role', 'viewer', 'brief', '--days', '1', '--out', out)
  expect(short.stdout).toMatch(/^Issued brief \(viewer\), until \d{4}-\d\d-\d\d \d\d:\d\d UTC; its id is/)
  await certs('revoke', 'brief')
  const long = await certs('issue', '--role', 'viewer', 'brief', '--days', '5000', '--out', join(out, 'x'))
  expect([long.code, long.stderr]).toEqual([2, expect.stringMatching(/--days.* not within/)])

  const { id } = (JSON.parse((await certs('ls', '--json', '--role', 'viewer')).stdout) as Certificate[])[0]!
  expect(await certs('revoke', 'anna', '--reason', 'left')).toMatchObject({
    code: 0,
    stdout: 'Revoked 1 certificate of anna\n',
  })
  await closed
  expect((await certs('ls', '--role', 'viewer')).stdout).toBe('')
  const all = (await certs('ls', '--all')).stdout
  expect(all).toMatch(new RegExp(`^${id} +anna +viewer +revoked `, 'm'))
  expect(await certs('revoke', 'anna')).toMatchObject({ code: 1, stdout: '' })
  const twiceRevoked = new RegExp(`^Certificate ${id} of anna was revoked already, `)
  expect(await certs('revoke', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(twiceRevoked) })
  expect(await certs('revoke', '999999')).toMatchObject({ code: 1, stderr: expect.stringContaining('the id 999999') })
  expect((await certs('ls', '-v')).stderr).toMatch(/^runyard: the authority ends on \d{4}-/m)
})

test('a runner token alone is on stdout', async () => {
  const made = await system.cli(['runner', 'token', 'host-1', '--servers', 'r.example:50051'])
  expect([made.code, made.stderr]).toEqual([0, 'runyard: the runner will dial r.example:50051\n'])
  expect(decodeJoinToken(made.stdout)).toMatchObject({ name: 'host-1', servers: ['r.example:50051'] })
  const again = await system.cli(['runner', 'token', 'host-1', '--servers', 'r.example:50051'])
  expect(again.stderr).toContain('made for host-1 before ends with this one\n')
  expect((await system.cli(['runner', 'token', '--json'])).stderr).toBe('')
  const told = await system.cli(['runner', 'token', '-v'])
  expect(told.stderr).toContain(`only this machine reaches ${await grpcAddress()}: start the server with --grpc-host`)
  expect(told.stderr).toContain(`runyard runner enrol ${told.stdout.trim()}\n`)
  expect(decodeJoinToken(told.stdout).servers).toEqual([await grpcAddress()])
  const wrong = await system.cli(['runner', 'token', '--servers', 'r.example'])
  expect([wrong.code, wrong.stderr]).toEqual([2, 'runyard: --servers: r.example is not host:port\n'])
  const ever = await system.cli(['runner', 'token', '--expires', '30d'])
  expect([ever.code, ever.stderr]).toEqual([2, expect.stringMatching(/--expires.* not within 1m to 7d/)])
})

const noOpenssl = spawnSync('openssl', ['version']).error ? 'openssl is not installed' : false
if (noOpenssl) process.stderr.write(`skipped: ${noOpenssl}\n`)

test.skipIf(noOpenssl)('OpenSSL accepts what is issued, and its verdict changes with the authority', async () => {
  const verify = (name: string, ca: string): string =>
    spawnSync(
      'openssl',
      ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', join(out, ca), join(out, name)],
      {
        encoding: 'utf8',
      },
    ).stdout.trim()
  await certs('issue', '--role', 'runner', 'host-2', '--out', out)
  expect(verify('host-2.crt', 'ca.crt')).toMatch(/OK$/)
  expect(await certs('init', '--rotate')).toMatchObject({ code: 2, stderr: expect.stringContaining('2 authorities') })
  expect((await certs('init', '--rotate', '--yes')).code).toBe(0)
  const before = await readFile(join(out, 'ca.crt'))
  expect((await certs('issue', '--role', 'runner', 'host-3', '--out', join(out, 'new'))).code).toBe(0)
  expect(verify('new/host-3.crt', 'ca.crt')).not.toMatch(/OK$/)
  // The file from before learns of the new authority with the next certificate beside it.
  const extended = await certs('issue', '--role', 'runner', 'host-4', '--out', out)
  expect(extended.stdout).toContain('ca.crt  (with the new authority)')
  expect((await readFile(join(out, 'ca.crt'))).includes(before)).toBe(true)
  expect(verify('host-4.crt', 'ca.crt')).toMatch(/OK$/)
  expect(verify('new/host-3.crt', 'new/ca.crt')).toMatch(/OK$/)
  expect(verify('host-2.crt', 'new/ca.crt')).toMatch(/OK$/)
  expect((await certs('init', '--end-old')).code).toBe(2)
  expect((await certs('init', '--end-old', '--yes')).stdout).toMatch(/Ended the ones before, with \d+ certificates/)
  expect((await certs('ls', '--role', 'runner')).stdout).toBe('')
  const refused = await certs('issue', '--role', 'runner', 'host-5', '--out', out)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('ca.crt has other authorities')])
})
