/** Threats G1, G2 and G4 at the real port: who gets in, and what is left of those who do not. */
import { execFile, spawnSync } from 'node:child_process'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { forge, type Forged } from '../../../test/forged-certificates.ts'
import { secureServer, type SecureServer, type Tls } from '../../../test/secure-server.ts'
import { until } from '../../../test/until.ts'
import { createAuthority } from '../../x509/authority.ts'
import { Health } from './gen/grpc/health/v1/health_pb.js'
import { JobService as SeedJobService } from './gen/job_service_pb.js'
import { RunnerService } from './gen/runyard/runner/v1/runner_pb.js'
import { JobService } from './gen/runyard/v1/job_service_pb.js'

let server: SecureServer
let admin: Tls
beforeAll(async () => {
  server = await secureServer()
  admin = await server.issue('admin')
})
afterAll(() => server.close())

const count = async (what: string): Promise<number> => {
  const { rows } = await server.db.query<{ n: number }>(`select count(*)::int as n from ${what}`)
  return rows[0]!.n
}
const lastRow = async (
  where: string,
): Promise<{ actor: string; target: string | null; detail: object; address: string }> => {
  const found = await until(async () => {
    const { rows } = await server.db.query(
      `select actor, target, detail, address from audit_log where result = 'refused' and ${where} order by id desc limit 1`,
    )
    return rows[0]
  }, `an audit row where ${where}`)
  return found as never
}
const noSecret = (text: string): void => {
  expect(text).not.toMatch(/PRIVATE KEY|select |\.ts[:)]|at Object|node:internal/)
  expect(text).not.toContain(server.localToken)
}

/** What a client that starts a job gets for an answer; always the error. */
async function refused(who: { cert?: string; key?: string }): Promise<ConnectError> {
  const jobs = server.as(SeedJobService, { ...who, ca: server.ca } as Tls)
  const answer = await jobs.start({ command: 'true' }, { timeoutMs: 5_000 }).catch(ConnectError.from)
  jobs.close()
  expect(answer).toBeInstanceOf(ConnectError)
  return answer as ConnectError
}

const raw = (options: ConnectionOptions): Promise<{ socket: TLSSocket; over: Promise<string> }> =>
  new Promise((resolve) => {
    const at = {
      host: '127.0.0.1',
      port: server.grpcPort,
      servername: 'localhost',
      ca: server.ca,
      ALPNProtocols: ['h2'],
    }
    const socket = connect({ ...at, ...options }).resume()
    let why = 'closed'
    socket.on('error', (error: NodeJS.ErrnoException) => (why = error.code ?? error.message))
    const over = new Promise<string>((closed) => socket.on('close', () => closed(why)))
    onTestFinished(() => void socket.destroy())
    resolve({ socket, over })
  })

test('G1: TLS refuses what no authority of ours signed for a client, and its subject is nobody’s word', async () => {
  const ours = await server.authority()
  const other = await createAuthority({ name: 'Test', years: 1 })
  const middle = await forge({
    by: ours,
    subject: [
      ['OU', 'admin'],
      ['CN', 'anna'],
    ],
  })
  const far = new Date(Date.now() + 86_400_000)
  const cases: [what: string, who: Partial<Forged>, why: RegExp][] = [
    ['no certificate', {}, /no client certificate/],
    ['self-signed', await forge(), /SELF_SIGNED/],
    ['of an authority with the same name', await forge({ by: other }), /VERIFY|ISSUER|SIGNATURE/],
    ['ended', await forge({ by: ours, notAfter: new Date(Date.now() - 60_000) }), /CERT_HAS_EXPIRED/],
    ['not yet begun', await forge({ by: ours, notBefore: far, notAfter: new Date(+far + 60_000) }), /NOT_YET_VALID/],
    ['for servers only', await forge({ by: ours, usages: ['server'] }), /INVALID_PURPOSE/],
    [
      'signed by a certificate that is no authority',
      await forge({ by: { certificatePem: middle.cert, privateKeyPem: middle.key } }).then((leaf) => ({
        ...leaf,
        cert: leaf.cert + middle.cert,
      })),
      /INVALID_CA|VERIFY|ISSUER/,
    ],
  ]
  for (const [what, who, why] of cases) {
    const before = await count('jobs')
    const error = await refused(who)
    expect([what, error.code === Code.Unauthenticated]).toEqual([what, false])
    // The client sees a broken connection, whatever its library calls that.
    noSecret(error.message)
    const row = await lastRow(`action = 'grpc.connect' and detail->>'reason' ~ '${why.source}'`)
    expect(row).toMatchObject({ actor: '-', target: null, address: '127.0.0.1' })
    expect(JSON.stringify(row)).not.toMatch(/mallory|anna/)
    expect(await count('jobs')).toBe(before)
  }
})

test('G2: signed by us, yet only what is registered, with exactly one role in exactly these letters, gets in', async () => {
  const ours = await server.authority()
  const cn = ['CN', 'mallory'] as [string, string]
  const cases: [what: string, subject: [string, ...string[]][]][] = [
    ['two roles', [['OU', 'viewer'], ['OU', 'admin'], cn]],
    ['the same role twice', [['OU', 'admin'], ['OU', 'admin'], cn]],
    ['two roles in one part of the name', [['OU', 'viewer', 'admin'], cn]],
    ['no role', [cn]],
    ['no name at all', []],
    ['a role inside of the name', [['CN', 'x, OU=admin']]],
    ['a role inside of another', [['OU', 'viewer, OU=admin'], cn]],
    ['a letter that looks alike', [['OU', 'аdmin'], cn]],
    ['another case', [['OU', 'Admin'], cn]],
    ['a blank', [['OU', 'admin '], cn]],
    ['an empty role', [['OU', ''], cn]],
    ['a role that nobody has', [['OU', 'root'], cn]],
    ['a prefix', [['OU', 'admin\0'], cn]],
    ['right, but not registered', [['OU', 'admin'], cn]],
  ]
  for (const [what, subject] of cases) {
    const before = await count('jobs')
    const who = await forge({ by: ours, subject })
    const error = await refused(who)
    expect([what, error.code]).toEqual([what, Code.Unauthenticated])
    noSecret(error.message)
    const row = await lastRow(`target = 'certificate:${who.fingerprint.toString('hex')}'`)
    expect([what, row.address]).toEqual([what, '127.0.0.1'])
    if (what === 'right, but not registered') expect(JSON.stringify(row)).toMatch(/unknown, not in the database/)
    expect(error.message).not.toMatch(/not in the database/)
    expect(await count('jobs')).toBe(before)
  }
})

test('G2: a registered certificate whose account has another role now, or is another’s, is refused', async () => {
  const who = await server.issue('operator', 'changes')
  const jobs = server.as(JobService, who)
  expect((await jobs.whoAmI({})).role).toBe('operator')
  jobs.close()
  // Behind the product's back, so nothing is told: an answer may be a second old.
  await server.db.query(`update users set role = 'viewer' where username = 'changes'`)
  const asked = async (): Promise<unknown> => {
    const again = server.as(JobService, who)
    return again.whoAmI({}).then(() => again.close(), ConnectError.from)
  }
  await until(async () => (await asked()) instanceof ConnectError, 'the refusal', 3_000)
  expect((await refused(who)).code).toBe(Code.Unauthenticated)
  // Registered as an operator; the subject of another certificate with that key cannot say otherwise.
  const forged = await forge({
    by: await server.authority(),
    subject: [
      ['OU', 'operator'],
      ['CN', 'changes'],
    ],
  })
  expect((await refused(forged)).code).toBe(Code.Unauthenticated)
})

test('each role may call its own services only; what would change something is noted', async () => {
  const may: Record<string, string[]> = {
    admin: ['seed', 'jobs', 'health'],
    operator: ['seed', 'jobs', 'health'],
    viewer: ['seed', 'jobs', 'health'],
    runner: ['runner', 'health'],
    server: ['health'],
    enrol: ['health'],
  }
  for (const role of ['admin', 'operator', 'viewer', 'runner', 'server', 'enrol'] as const) {
    const who = await server.issue(role)
    const clients = {
      seed: server.as(SeedJobService, who),
      jobs: server.as(JobService, who),
      runner: server.as(RunnerService, who),
      health: server.as(Health, who),
    }
    const calls = {
      seed: () => clients.seed.queryStatus({ jobId: 'none' }),
      jobs: () => clients.jobs.get({ jobId: 'none' }),
      runner: () => clients.runner.claim({ runnerId: '1', session: 'x' }),
      health: () => clients.health.check({}),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().then(() => undefined, ConnectError.from)
      const outside = error?.code === Code.PermissionDenied && /may not call/.test(error.message)
      expect([role, name, outside]).toEqual([role, name, !may[role]!.includes(name)])
    }
    for (const client of Object.values(clients)) client.close()
    if (may[role]!.includes('runner')) continue
    const row = await lastRow(`action = 'CALL /runyard.runner.v1.RunnerService/Claim' and actor = '${who.name}'`)
    expect(row.detail).toMatchObject({ code: 'permission_denied' })
    expect(await count(`audit_log where actor = '${who.name}' and action like '%/Get'`)).toBe(0)
  }
})

test('a viewer who would start or stop a job is refused, changes nothing, and is noted', async () => {
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const viewer = await server.issue('viewer')
  const jobs = server.as(JobService, viewer)
  onTestFinished(() => jobs.close())
  const before = await count('jobs')
  await expect(jobs.start({ command: 'true' })).rejects.toMatchObject({ code: Code.PermissionDenied })
  await expect(jobs.stop({ jobId: id })).rejects.toMatchObject({ code: Code.PermissionDenied })
  expect(await count('jobs')).toBe(before)
  expect((await server.client.calls.jobs.get({ id })).state).toBe('queued')
  expect(await count(`audit_log where actor = '${viewer.name}' and result = 'refused'`)).toBe(2)
})

test('G4: TLS 1.3 with HTTP/2 and nothing else', async () => {
  const tls12 = await raw({ ...admin, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  expect(await tls12.over).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/)
  const http1 = await raw({ ...admin, ALPNProtocols: ['http/1.1'] })
  expect(await http1.over).toMatch(/NO_APPLICATION_PROTOCOL/)
  const silent = await raw({ ...admin, ALPNProtocols: undefined })
  await silent.over
})

const openssl = spawnSync('openssl', ['version']).error === undefined
if (!openssl) process.stderr.write('skipped: openssl is not installed\n')
test.skipIf(!openssl)('G4: the same, as openssl sees it', async () => {
  const said = (options: string[]): Promise<string> =>
    new Promise((resolve) => {
      const child = execFile(
        'openssl',
        ['s_client', '-connect', server.grpc, '-alpn', 'h2', ...options],
        { timeout: 10_000 },
        (_error, stdout, stderr) => resolve(`${stdout}${stderr}`),
      )
      child.stdin?.end()
    })
  for (const old of ['-tls1', '-tls1_1', '-tls1_2']) expect(await said([old])).not.toMatch(/New, TLSv1/)
  expect(await said(['-tls1_3'])).toMatch(/New, TLSv1\.3, Cipher is TLS_/)
})

test('G3: nothing is resumed: a client that offers its earlier session is verified anew', async () => {
  const who = await server.issue('viewer')
  const first = await raw(who)
  const session = await new Promise<Buffer>((resolve) => first.socket.once('session', resolve))
  const again = await raw({ ...who, session })
  await new Promise((resolve) => again.socket.once('secureConnect', resolve))
  expect(again.socket.isSessionReused()).toBe(false)
  await server.revoke(who)
  const revoked = await raw({ ...who, session })
  await revoked.over
  await lastRow(`target = 'certificate:${who.fingerprint.toString('hex')}'`)
})

test('a flood of refused connections is a few rows', async () => {
  const who = await forge({
    by: await server.authority(),
    subject: [
      ['OU', 'root'],
      ['CN', 'flood'],
    ],
  })
  await Promise.all(Array.from({ length: 30 }, () => refused(who)))
  await lastRow(`target = 'certificate:${who.fingerprint.toString('hex')}'`)
  expect(await count(`audit_log where target = 'certificate:${who.fingerprint.toString('hex')}'`)).toBe(1)
})
