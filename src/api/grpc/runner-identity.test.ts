/** G5: a runner touches only what is leased to it, whatever it says it is. Over the secure port, with certificates. */
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../../test/fake-runner.ts'
import { secureServer, type ClientCertificate, type SecureServer } from '../../../test/secure-server.ts'
import { onFact } from '../../lib/facts.ts'
import { encodeRecord } from '../../logs/records.ts'
import { ReportResult, RunnerService, type AttemptRef } from './gen/runyard/runner/v1/runner_pb.js'

let server: SecureServer
beforeAll(async () => {
  server = await secureServer()
})
afterAll(() => server.close())

const description = {
  ...{ version: 'test', hostname: 'one', slots: 5, cpuMillis: 9_000, memoryMib: 9_000, executors: ['sandbox'] },
  ...{ labels: {}, facilitiesJson: '', protocol: 1 },
}

let sessions = 0
async function runner(certificate: ClientCertificate, more: object = {}) {
  const rpc = server.as(RunnerService, certificate)
  const session = `session ${++sessions}`
  const { runnerId } = await rpc.register({ ...description, name: certificate.name, session, ...more })
  return { rpc, who: { runnerId, session }, name: certificate.name }
}
type Runner = Awaited<ReturnType<typeof runner>>

async function lease(of: Runner): Promise<{ id: string; ref: AttemptRef }> {
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const offer = { ...of.who, slots: 1, cpuMillis: 9_000, memoryMib: 9_000, held: [], waitMs: 10_000 }
  const { assignments } = await of.rpc.claim(offer)
  const found = assignments.find(({ jobId }) => jobId === id)
  return { id, ref: found!.ref! }
}

const outcomeJson = JSON.stringify({ state: 'succeeded', exit_code: 0 })
const bytes = new Uint8Array(encodeRecord('stdout', 1, Buffer.from('forged')))

/** Every kind of message about an attempt; each resolves with whether the server called it stale. */
const kinds = {
  heartbeat: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { renewed, stale } = await rpc.heartbeat({ ...who, held: [ref] })
    return renewed.length === 0 && stale.length === 1
  },
  started: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { results } = await rpc.reportStarted({ ...who, started: [{ ref, startedAtMs: 1n, unenforced: [] }] })
    return results[0] === ReportResult.STALE
  },
  append_log: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { results } = await rpc.appendLog({ ...who, chunks: [{ ref, offset: 0n, bytes }] })
    return results[0]!.stale
  },
  finish: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { results } = await rpc.finish({ ...who, reports: [{ ref, outcomeJson, logLength: 0n }] })
    return results[0] === ReportResult.STALE
  },
  hand_back: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { results } = await rpc.handBack({ ...who, refs: [ref], reason: 'x' })
    return results[0] === ReportResult.STALE
  },
  call_helper: async ({ rpc }: Runner, who: Runner['who'], ref: AttemptRef) => {
    const { answer } = await rpc.callHelper({ ...who, ref, method: 'event.get', paramsJson: '{}' })
    return answer.case === 'error' && answer.value.code === 'unauthenticated'
  },
} as const
const allKinds = Object.keys(kinds) as (keyof typeof kinds)[]

interface AuditRow {
  actor_kind: string
  actor: string
  target: string | null
  result: string
  detail: { kind?: string; number?: number; token?: string; reason: string }
  address: string | null
}
const rowsOf = async (action: string, actor: string): Promise<AuditRow[]> =>
  (
    await server.db.query<AuditRow>('select * from audit_log where action = $1 and actor = $2 order by id', [
      action,
      actor,
    ])
  ).rows

/** Everything of a job that a message could change. */
const stateOf = async (id: string) => {
  const { rows } = await server.db.query(
    `select j.state, j.attempts_spent, a.state as attempt, a.lease_expires_at, a.started_at, a.ended_at, a.runner_id
     from jobs j join attempts a on a.job_id = j.id where j.public_id = $1`,
    [id],
  )
  return { rows, log: (await server.client.readLog({ jobId: id })).bytes.toString() }
}

const refusal = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => ConnectError.from(error),
  )

const inputOf = async ({ rpc, who }: Runner, ref: AttemptRef): Promise<void> => {
  for await (const _ of rpc.getInput({ ...who, ref }));
}

test('every kind of message about what is not one’s own: refused, nothing changed, one row in the audit log', async () => {
  const [a, b] = [
    await runner(await server.issue('runner', 'thief')),
    await runner(await server.issue('runner', 'owner')),
  ]
  const earlier = await lease(b)
  await kinds.finish(b, b.who, earlier.ref)
  const { id, ref } = await lease(b)
  const before = await stateOf(id)
  const old = { ...ref, token: earlier.ref.token }
  const wrongs: { name: string; by: Runner; ref: AttemptRef; reason: RegExp; target: string | null }[] = [
    { name: 'another’s lease', by: a, ref, reason: /leased to another runner/, target: `job:${id}` },
    { name: 'an old token', by: b, ref: old, reason: /token is not/, target: `job:${id}` },
    { name: 'no such attempt', by: b, ref: { ...ref, number: 7 }, reason: /no such attempt/, target: `job:${id}` },
    { name: 'an unknown job', by: b, ref: { ...ref, jobKey: '999999999' }, reason: /no such job/, target: null },
  ]
  for (const { name, by, ref: wrong, reason, target } of wrongs) {
    const were = await rowsOf('runner.stale', by.name)
    for (const kind of allKinds) {
      // The second time is refused as well, and not noted again.
      for (let i = 0; i < 2; i++) expect([name, kind, await kinds[kind](by, by.who, wrong)]).toEqual([name, kind, true])
    }
    expect(await stateOf(id)).toEqual(before)
    const rows = (await rowsOf('runner.stale', by.name)).slice(were.length)
    expect(rows.map(({ detail }) => detail.kind)).toEqual(allKinds)
    for (const row of rows) {
      expect(row).toMatchObject({
        actor_kind: 'runner',
        actor: by.name,
        target,
        result: 'refused',
        address: '127.0.0.1',
      })
      expect(row.detail).toMatchObject({
        number: wrong.number,
        token: wrong.token,
        reason: expect.stringMatching(reason),
      })
    }
  }
  // Its own attempt is heard, though it has no helpers; what it has no right to stays closed with them.
  expect(await kinds.call_helper(b, b.who, ref)).toBe(false)
  expect((await refusal(inputOf(a, ref))).code).toBe(Code.Unauthenticated)
  expect(await kinds.finish(b, b.who, ref)).toBe(false)
  // The answer was lost: said again by the one whose it was, that is nobody's offence.
  expect(await kinds.finish(b, b.who, ref)).toBe(true)
  expect(await rowsOf('runner.stale', 'owner')).toHaveLength(3 * allKinds.length)
})

test('with the id and even the session of another runner: denied on every call, with a row', async () => {
  const [a, b] = [
    await runner(await server.issue('runner', 'stolen')),
    await runner(await server.issue('runner', 'victim')),
  ]
  const { id, ref } = await lease(b)
  const before = await stateOf(id)
  for (const kind of allKinds) {
    for (let i = 0; i < 2; i++) {
      const error = await refusal(kinds[kind](a, b.who, ref))
      expect([kind, error.code, error.rawMessage]).toEqual([
        kind,
        Code.PermissionDenied,
        `runner_id ${b.who.runnerId} is of another runner`,
      ])
    }
  }
  const offer = { ...b.who, slots: 1, cpuMillis: 1, memoryMib: 1, held: [], waitMs: 0 }
  expect((await refusal(a.rpc.claim(offer))).code).toBe(Code.PermissionDenied)
  expect((await refusal(a.rpc.goodbye({ ...b.who, state: 'offline' }))).code).toBe(Code.PermissionDenied)
  const watch = a.rpc.watchCancels(b.who)[Symbol.asyncIterator]()
  expect((await refusal(watch.next())).code).toBe(Code.PermissionDenied)
  expect(await stateOf(id)).toEqual(before)
  const rows = await rowsOf('runner.refused', 'stolen')
  expect(rows).toHaveLength(allKinds.length + 3)
  expect(rows[0]).toMatchObject({ actor_kind: 'runner', result: 'refused', detail: { code: 'permission_denied' } })
  // No other rows are left by the edge.
  expect(new Set(await server.auditOf('stolen'))).toEqual(new Set(['runner.refused refused']))
  expect(await kinds.finish(b, b.who, ref)).toBe(false)
})

test('a certificate is for one name', async () => {
  const certificate = await server.issue('runner', 'honest')
  const rpc = server.as(RunnerService, certificate)
  const error = await refusal(rpc.register({ ...description, name: 'other', session: 's' }))
  expect(error.code).toBe(Code.PermissionDenied)
  expect(error.rawMessage).toMatch(/certificate is for the runner honest, not for other/)
  expect(await rowsOf('runner.refused', 'honest')).toHaveLength(1)
  await runner(certificate)
  const { rows } = await server.db.query(`select certificate_id from runners where name = 'honest'`)
  expect(rows).toEqual([{ certificate_id: certificate.id }])
  const list = (await server.client.calls.runners.list()).runners
  expect(list.find(({ name }) => name === 'honest')?.certificate).toMatchObject({
    id: certificate.id,
    revoked_at: null,
  })
  expect(list.some(({ name }) => name === 'other')).toBe(false)
})

test('a name that is in use does not change between the socket and certificates', async () => {
  const local = await fakeRunner(server.runnerSocket, { name: 'taken' })
  const certificate = await server.issue('runner', 'taken')
  const error = await refusal(runner(certificate))
  expect(error.code).toBe(Code.AlreadyExists)
  expect(error.rawMessage).toMatch(/on the server's own machine is called taken and is online: choose another name/)
  // When it has gone, the name is free; and now the socket is too late.
  await local.rpc.goodbye({ ...local.who, state: 'offline' })
  const remote = await runner(certificate)
  const late = await refusal(fakeRunner(server.runnerSocket, { name: 'taken' }))
  expect([late.code, late.rawMessage]).toEqual([Code.AlreadyExists, expect.stringMatching(/with a certificate/)])
  const stale = await refusal(local.rpc.heartbeat({ ...local.who, held: [] }))
  expect([stale.code, stale.rawMessage]).toEqual([Code.PermissionDenied, expect.stringMatching(/with a certificate/)])
  await remote.rpc.goodbye({ ...remote.who, state: 'offline' })
  await fakeRunner(server.runnerSocket, { name: 'taken' })
})

test('a second machine with the same certificate: the newer process wins, and both facts and list say so', async () => {
  const certificate = await server.issue('runner', 'twin')
  const facts: unknown[] = []
  const off = onFact((fact) => void (fact.name === 'runner.taken_over' && facts.push(fact)))
  const first = await runner(certificate)
  await runner(certificate) // a restart on the same host is nothing to speak of
  expect(facts).toEqual([])
  await runner(certificate, { hostname: 'two' })
  off()
  expect(facts).toMatchObject([{ runner: 'twin', from: 'one', by: 'two' }])
  const { runners } = await server.client.calls.runners.list()
  expect(runners.find(({ name }) => name === 'twin')?.taken_over).toMatchObject({ from: 'one' })
  const offer = { ...first.who, slots: 1, cpuMillis: 1, memoryMib: 1, held: [], waitMs: 0 }
  expect((await refusal(first.rpc.claim(offer))).code).toBe(Code.FailedPrecondition)
})

test('a copy with the same host name is another place; a restart, one after a boot and one that said goodbye are not two', async () => {
  const certificate = await server.issue('runner', 'cloned')
  const facts: unknown[] = []
  const off = onFact((fact) => void (fact.name === 'runner.taken_over' && facts.push(fact)))
  const silentFor = (seconds: number) =>
    server.db.query(`update runners set last_seen_at = now() - make_interval(secs => $1) where name = 'cloned'`, [
      seconds,
    ])
  await runner(certificate, { place: 'a' })
  await runner(certificate, { place: 'a' }) // killed, and started again
  await silentFor(25)
  const booted = await runner(certificate, { place: 'a after a boot' })
  await booted.rpc.goodbye({ ...booted.who, state: 'offline' })
  await runner(certificate, { place: 'moved' })
  expect(facts).toEqual([])
  await runner(certificate, { place: 'copy' })
  off()
  expect(facts).toMatchObject([{ runner: 'cloned', from: 'one', by: 'one' }])
  const { runners } = await server.client.calls.runners.list()
  expect(runners.find(({ name }) => name === 'cloned')?.taken_over).toMatchObject({ from: 'one' })
})

test('a runner of a newer protocol is told what to update', async () => {
  const error = await refusal(runner(await server.issue('runner', 'newer'), { protocol: 3 }))
  expect([error.code, error.rawMessage]).toEqual([
    Code.FailedPrecondition,
    'runner test speaks protocol 3, this server 0 to 2: update the server first',
  ])
})

test('a revoked certificate: the runner is out, and its attempt goes the ordinary way', async () => {
  const certificate = await server.issue('runner', 'revoked')
  const held = await runner(certificate)
  const { id, ref } = await lease(held)
  await server.revoke(certificate)
  await expect
    .poll(() => refusal(held.rpc.heartbeat({ ...held.who, held: [ref] })).then(({ code }) => Code[code]), {
      timeout: 10_000,
    })
    .toBe('Unauthenticated')
  // Nothing was taken from it beyond its voice: the lease runs out by itself, and grace with it.
  expect((await stateOf(id)).rows).toMatchObject([{ state: 'leased', ended_at: null }])
})
