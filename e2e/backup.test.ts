/**
 * A busy system is backed up and comes to life elsewhere: in Debian's PostgreSQL (an older major version, external), and
 * from there in an embedded one.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { externalMissing, externalServer, type TestServer } from '../test/servers.ts'
import { verifyAudit } from '../src/access/audit-chain.ts'
import { createApiClient } from '../src/api/client.ts'
import { runningDatabase } from '../src/backup/index.ts'
import { openDb } from '../src/db/pool.ts'
import { ended, logOf, startSystem, until, type System } from './system.ts'

const settings = {
  RUNYARD_RUNNER_SLOTS: '4',
  // A restored job runs again only after the lease and the grace of its old runner.
  RUNYARD_HEARTBEAT_SECONDS: '1',
  RUNYARD_LEASE_SECONDS: '3',
  RUNYARD_GRACE_SECONDS: '3',
  RUNYARD_DRAIN_SECONDS: '0',
}
const secret = `s3cret-${randomBytes(8).toString('hex')}`

let dir: string
let old: System
/** What the old system was told and answered, by which the new ones are judged. */
const ids = { ended: [] as string[], waiting: '', after: '', sealed: '', once: '', again: '' }
const logs = new Map<string, string>()
let apiToken = ''
const file = (name: string): string => join(dir, name)
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runyard-backup-'))
  old = await startSystem(settings)
}, 120_000)
afterAll(async () => {
  await old?.stop()
  await rm(dir, { recursive: true, force: true })
}, 60_000)

const submit = async (system: System, spec: Record<string, unknown>): Promise<string> =>
  ((await system.api.calls.jobs.submit(spec as never)) as { id: string }).id

async function fill(system: System): Promise<void> {
  await system.api.calls.users.create({ username: 'ann', password: 'ann has a long one', role: 'operator' } as never)
  apiToken = ((await system.api.calls.tokens.create({ name: 'ci' } as never)) as { token: string }).token
  await system.api.calls.queues.put({ name: 'later', concurrency: null, rate: null, paused: true } as never)
  for (const command of [
    ['bash', '-c', 'head -c 300000 /dev/urandom; head -c 100000 /dev/urandom >&2; exit 3'],
    ['printf', 'a\\000b\\377c\\n'],
    ['true'],
  ])
    ids.ended.push(await submit(system, { command }))
  ids.waiting = await submit(system, { command: ['echo', 'I waited'], queue: 'later' })
  ids.after = await submit(system, { command: ['echo', 'and I'], depends_on: [ids.waiting] })
  ids.sealed = await submit(system, {
    command: ['bash', '-c', 'printf %s "$TOKEN" | sha256sum | cut -c1-64'],
    secret_env: { TOKEN: secret },
    queue: 'later',
  })
  // Whoever runs the restored copy runs it to its end; here it outlives the test.
  const endless = ['bash', '-c', 'echo begun; for i in $(seq 600); do echo line $i; sleep 0.1; done']
  const short = ['bash', '-c', '[ "$RUNYARD_ATTEMPT" -gt 1 ] && { echo second; exit 0; }; echo begun; sleep 60']
  ids.once = await submit(system, { command: endless })
  ids.again = await submit(system, { command: short, max_attempts: 2, retry: { backoff_seconds: 0 } })
  for (const id of ids.ended) {
    await ended(system, id)
    logs.set(id, sha(await logOf(system, id)))
  }
  for (const id of [ids.once, ids.again])
    await until('its first line', async () => (await logOf(system, id)).toString().includes('begun'))
}

/** Small jobs without a pause, until told to stop; how many were accepted. */
function underLoad(system: System): () => Promise<number> {
  let over = false
  let accepted = 0
  const busy = (async () => {
    while (!over) {
      await system.api.calls.jobs.submitMany({
        jobs: Array.from({ length: 5 }, () => ({ command: ['true'] })),
      } as never)
      accepted += 5
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return async () => {
    over = true
    await busy
    return accepted
  }
}

const ok = async (work: ReturnType<System['cli']>): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await work
  expect(`${code} ${stderr}`).toBe('0 ')
  return JSON.parse(stdout) as Record<string, unknown>
}

/** The restored system answers, knows everybody, opens the secrets and does the work that waited. */
async function expectAlive(system: System): Promise<void> {
  const { calls } = system.api
  for (const id of ids.ended) expect(sha(await logOf(system, id)), id).toBe(logs.get(id))
  expect(await calls.jobs.get({ id: ids.ended[0]! })).toMatchObject({ state: 'failed', result: { exit_code: 3 } })
  expect(await calls.jobs.get({ id: ids.once })).toMatchObject({ state: 'lost', waiting_reason: null })
  expect((await logOf(system, ids.once)).toString()).toMatch(/^begun\nline 1\n/)
  const ann = createApiClient({ baseUrl: system.url })
  expect((await ann.passwordGrant('ann', 'ann has a long one')).access_token).toBeTruthy()
  const ci = createApiClient({ baseUrl: system.url, token: apiToken })
  expect(((await ci.calls.me()) as { username: string }).username).toBe('admin')

  await calls.queues.put({ name: 'later', concurrency: null, rate: null, paused: false } as never)
  const out = async (id: string): Promise<string> => {
    expect(await ended(system, id), id).toMatchObject({ state: 'succeeded' })
    return (await logOf(system, id)).toString()
  }
  expect(await out(ids.waiting)).toBe('I waited\n')
  expect(await out(ids.after)).toBe('and I\n')
  expect((await out(ids.sealed)).trim()).toBe(sha(Buffer.from(secret)))
  expect(await out(ids.again)).toBe('second\n')
}

async function expectAudit(url: string): Promise<void> {
  const db = openDb(url)
  try {
    await until('the seal of the newest row', async () => {
      const { rows } = await db.query<{ n: number }>(
        `select count(*)::int as n from audit_log a where not exists (select from audit_seals s where s.audit_id = a.id)`,
      )
      return rows[0]!.n === 0
    })
    expect(await verifyAudit(db)).toMatchObject({ ok: true })
    const { rows } = await db.query<{ action: string }>(
      `select distinct action from audit_log where action like 'backup.%' order by 1`,
    )
    expect(rows.map(({ action }) => action)).toContain('backup.restore')
  } finally {
    await db.end()
  }
}

test('a busy system in one file', async () => {
  await fill(old)
  const stop = underLoad(old)
  const first = await ok(old.cli(['backup', file('a.tar.zst'), '--json']))
  const during = await stop()
  expect(first).toMatchObject({ keys_included: true, users: 2, logs_missing: 0, file: file('a.tar.zst') })
  expect(first['running']).toBeGreaterThanOrEqual(2)
  expect((await stat(file('a.tar.zst'))).mode & 0o777).toBe(0o600)
  // The load went on while it was made, and nothing in it is in clear.
  expect(during).toBeGreaterThan(0)
  const { stdout } = await promisify(execFile)('tar', ['--zstd', '-tf', file('a.tar.zst')]).catch(() => ({
    stdout: '',
  }))
  if (stdout !== '') expect(stdout.split('\n')[0]).toBe('manifest.json')
  expect((await old.cli(['backup', file('a.tar.zst')])).code).toBe(1)
  expect((await readdir(dir)).sort()).toEqual(['a.tar.zst'])
  expect(await ok(old.cli(['restore', '--check', file('a.tar.zst'), '--json']))).toMatchObject({ whole: true })
  // Its own place is in use, and by a server.
  const refused = await old.cli(['restore', file('a.tar.zst'), '--force', '--yes'])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/runyard down/) as string })
  expect(await old.api.calls.jobs.get({ id: ids.once })).toMatchObject({ state: 'running' })
}, 120_000)

/** Debian's PostgreSQL where it is installed, else a third embedded one. */
async function anotherDatabase(): Promise<(TestServer & { url: string }) | undefined> {
  if (externalMissing()) return undefined
  const server = await externalServer()
  const admin = new pg.Client({ connectionString: server.adminUrl })
  await admin.connect()
  await admin.query('create database moved owner runyard')
  await admin.end()
  return { ...server, url: server.userUrl.replace('/postgres?', '/moved?') }
}

test(
  externalMissing()
    ? 'it moves to another database, and on'
    : 'it moves to an external PostgreSQL of another version, and back',
  async () => {
    let server: Awaited<ReturnType<typeof anotherDatabase>>
    const there = await startSystem(settings, { up: false })
    const back = await startSystem(settings, { up: false })
    try {
      server = await anotherDatabase()
      if (server) there.env['DATABASE_URL'] = server.url
      const damaged = await readFile(file('a.tar.zst'))
      damaged[damaged.length >> 1]! ^= 1
      await writeFile(file('bad.tar.zst'), damaged)
      const bad = await there.cli(['restore', file('bad.tar.zst')])
      expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/the backup is damaged/) as string })
      const restored = await ok(there.cli(['restore', file('a.tar.zst'), '--json']))
      expect(restored).toMatchObject({ restored: true, users: 2, jobs_again: 1 })
      const again = await there.cli(['restore', file('a.tar.zst')])
      expect(again.stderr).toMatch(/there is something already: the database/)
      await there.start()
      await expectAlive(there)
      await expectAudit(server?.url ?? (await runningDatabase(there.dataDir)))
      if (server) expect(await readdir(there.dataDir)).not.toContain('pg18')

      const second = await ok(there.cli(['backup', file('b.tar.zst'), '--json']))
      expect(second).toMatchObject({ logs_missing: 0 })
      if (server) expect(second['postgres_version']).not.toMatch(/^18/)
      await ok(back.cli(['restore', file('b.tar.zst'), '--json']))
      await back.start()
      expect((await logOf(back, ids.sealed)).toString().trim()).toBe(sha(Buffer.from(secret)))
      for (const id of ids.ended) expect(sha(await logOf(back, id)), id).toBe(logs.get(id))
      expect(await back.api.calls.jobs.get({ id: ids.after })).toMatchObject({ state: 'succeeded' })
      await expectAudit(await runningDatabase(back.dataDir))
    } finally {
      await Promise.all([there.stop(), back.stop()])
      await server?.stop()
    }
  },
  240_000,
)
