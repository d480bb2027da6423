import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import type { HelperMethod } from '../job/helper-protocol.ts'
import { aUser } from '../../test/factories.ts'
import { file, helperWorld, type Attempt } from '../../test/helper-world.ts'
import { applyFileResults } from './apply-file-results.ts'

const refused = (code: string, message: RegExp) => ({ error: { code, message: expect.stringMatching(message) } })

test('variables: any JSON, one’s own before a global one, and never another account’s', async () => {
  const world = await helperWorld()
  const { ask } = await world.run()
  const other = await aUser(world.db)
  await world.set('theirs', 'x', { owner: other.id })
  await world.set('region', 'everywhere', { global: true })
  for (const value of ['text', '', 0, false, null, [1, { a: 'ü\0' }], -1.5]) {
    expect(await ask('variable.set', { name: 'any', value })).toMatchObject({ ok: { version: expect.any(String) } })
    expect(await ask('variable.get', { name: 'any' })).toEqual({ ok: { exists: true, value } })
  }
  expect(await ask('variable.get', { name: 'region' })).toEqual({ ok: { exists: true, value: 'everywhere' } })
  await ask('variable.set', { name: 'region', value: 'here' })
  expect(await ask('variable.get', { name: 'region' })).toEqual({ ok: { exists: true, value: 'here' } })
  expect(await ask('variable.get', { name: 'theirs' })).toEqual({ ok: { exists: false } })
  expect(await ask('variable.list')).toEqual({
    ok: {
      names: [
        { name: 'any', scope: 'user', secret: false },
        { name: 'region', scope: 'user', secret: false },
      ],
    },
  })
  expect(await ask('variable.delete', { name: 'region' }, 'k')).toEqual({ ok: { existed: true } })
  expect(await ask('variable.delete', { name: 'region' }, 'k')).toEqual({ ok: { existed: true } })
  expect(await ask('variable.delete', { name: 'region' })).toEqual({ ok: { existed: false } })
  expect(await world.valueOf('region')).toBe('everywhere')

  expect(await ask('variable.set', { name: 'region', value: 1, scope: 'global' })).toMatchObject(
    refused('permission_denied', /only administrators/),
  )
  await world.db.query(`update users set role = 'admin' where id = $1`, [world.userId])
  expect(await ask('variable.set', { name: 'region', value: 1, scope: 'global' })).toMatchObject({ ok: {} })
  await world.db.query(`update users set role = 'viewer' where id = $1`, [world.userId])
  expect(await ask('variable.set', { name: 'any', value: 1 })).toMatchObject(refused('permission_denied', /viewer/))

  const wrong = [
    ['variable.set', { name: 'a b', value: 1 }, /name: .*letters/],
    ['variable.set', { name: 'a' }, /value/],
    ['variable.set', { name: 'a', value: 1, owner: other.username }, /owner: is not a known field/],
    ['variable.set', { name: 'a', value: 'x'.repeat(70_000) }, /at most 65536/],
    ['progress.set', { percent: 101 }, /percent/],
  ] as const
  await world.db.query(`update users set role = 'operator' where id = $1`, [world.userId])
  for (const [method, params, words] of wrong) {
    expect(await ask(method, params)).toMatchObject(refused('invalid_argument', words))
  }
})

test('sums and appends lose nothing, and one key counts once', async () => {
  const world = await helperWorld()
  const { ask } = await world.run()
  const { ask: askToo } = await world.run()
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 ? ask : askToo)('variable.increment', { name: 'n', by: 2 })),
  )
  expect(new Set(answers.map(({ ok }) => (ok as { value: number }).value)).size).toBe(40)
  expect(await world.valueOf('n')).toBe(80)
  const same = await Promise.all([1, 2, 3].map(() => ask('variable.increment', { name: 'n', by: 1 }, 'once')))
  expect(same).toEqual(same.map(() => ({ ok: { value: 81 } })))
  // Another attempt's key is another key.
  expect(await askToo('variable.increment', { name: 'n', by: 1 }, 'once')).toEqual({ ok: { value: 82 } })
  await ask('variable.append', { name: 'log', text: 'a canary 7c1e' }, 'append')
  await ask('variable.set', { name: 'settings', value: { a: 1 } })
  expect(await ask('variable.append', { name: 'settings', text: 'x' })).toMatchObject(
    refused('failed_precondition', /settings holds an object, no text/),
  )
  expect(await ask('variable.append', { name: 'log', text: 'x' }, 'append')).toEqual({ ok: { value: 'a canary 7c1e' } })
  const { rows } = await world.db.query<{ all: string }>(
    'select string_agg(answer::text, null) as all from helper_calls',
  )
  expect(rows[0]!.all).not.toContain('7c1e')

  await world.set('text', '41')
  expect(await ask('variable.increment', { name: 'text' })).toEqual({ ok: { value: 42 } })
  await world.set('text', 'forty')
  expect(await ask('variable.increment', { name: 'text' })).toMatchObject(refused('failed_precondition', /no number/))
  await world.set('text', Number.MAX_SAFE_INTEGER)
  expect(await ask('variable.increment', { name: 'text' })).toMatchObject(refused('invalid_argument', /too large/))
  // The key of a call that failed is free again.
  expect(await ask('variable.increment', { name: 'text' }, 'f')).toHaveProperty('error')
  expect(await ask('variable.increment', { name: 'text', by: -1 }, 'f')).toHaveProperty('ok')
})

test('a secret is given to the event that lists it, as its log masks it, and is changed by no script', async () => {
  const world = await helperWorld()
  await world.set('api', 'newer than the run', { secret: true })
  await world.set('other', 'not for this one', { secret: true })
  const { ask, run, job } = await world.run({ secrets: { API_TOKEN: 'api' } })
  expect(await ask('variable.get', { name: 'api' })).toEqual({
    ok: { exists: true, value: 'value of API_TOKEN', secret: true },
  })
  for (let i = 0; i < 3; i++) {
    expect(await ask('variable.get', { name: 'other' })).toMatchObject(
      refused('permission_denied', /list it under secrets of the event/),
    )
  }
  for (const [method, more] of [
    ['variable.set', { value: 1 }],
    ['variable.append', { text: 'x' }],
    ['variable.delete', {}],
  ] as const) {
    expect(await ask(method, { name: 'other', ...more })).toMatchObject(refused('permission_denied', /is a secret/))
  }
  await ask('variable.set', { name: 'plain', value: 'c4n4ry-value' })
  await ask('variable.set', { name: 'plain', value: 'c4n4ry-value' })
  const { rows } = await world.db.query<{ action: string; target: string; result: string; detail: object }>(
    'select action, target, result, detail from audit_log order by id',
  )
  expect(rows.map(({ action, target, result }) => [action, target.split('/').at(-1), result])).toEqual([
    ['variable.get', 'variable:other', 'refused'],
    ['variable.set', 'variable:other', 'refused'],
    ['variable.append', 'variable:other', 'refused'],
    ['variable.delete', 'variable:other', 'refused'],
    ['variable.put', 'plain', 'done'],
  ])
  expect(rows.at(-1)!.detail).toEqual({ created: true, job: job.publicId, run })
  expect(JSON.stringify(rows)).not.toMatch(/c4n4ry|value of|not for this/)
})

test('nothing is taken from an attempt that is over, or is somebody else’s (T1)', async () => {
  const world = await helperWorld()
  const { ask, job, input } = await world.run({ input: { type: 'text/plain', bytes: Buffer.from('in') } })
  const elsewhere = await world.runner()
  const strangers = [
    world.attemptOf(job, elsewhere),
    world.attemptOf({ ...job, token: String(BigInt(job.token) + 1n) }),
    world.attemptOf({ ...job, number: 2 }),
  ]
  const everyCall: [HelperMethod, object][] = [
    ['event.get', {}],
    ['condition.set', { value: true }],
    ['output.set', { type: 'text/plain', base64: 'aGk=' }],
    ['progress.set', { percent: 1 }],
    ['variable.get', { name: 'v' }],
    ['variable.list', {}],
    ['variable.set', { name: 'v', value: 1 }],
    ['variable.increment', { name: 'v' }],
    ['variable.append', { name: 'v', text: 'x' }],
    ['variable.delete', { name: 'v' }],
    ['message.send', { channel: 'team' }],
  ]
  const allRefused = async (attempt: Attempt): Promise<void> => {
    for (const [method, params] of everyCall) {
      expect(await attempt.ask(method, params, 'key')).toMatchObject(refused('unauthenticated', /over/))
    }
    await expect(attempt.input()).rejects.toMatchObject({ code: 'unauthenticated' })
  }
  for (const stranger of strangers) await allRefused(stranger)
  expect(await input()).toMatchObject({ type: 'text/plain' })
  await world.runner1.finish(job)
  await allRefused({ job, ask, input })
  const { rows } = await world.db.query(
    'select job_id from attempt_results union all select job_id from helper_calls union all select id from variables',
  )
  expect(rows).toEqual([])

  // Somebody's plain job has no helpers unless it asked for them.
  await world.submit({})
  const plain = world.attemptOf(await world.runner1.claimOne())
  expect(await plain.ask('variable.list')).toMatchObject(refused('permission_denied', /helpers/))
})

test('an end that comes meanwhile waits for the call, and the call after it is refused', async () => {
  const world = await helperWorld()
  const { ask, job } = await world.run()
  const [set, finished] = await Promise.all([ask('condition.set', { value: true }), world.runner1.finish(job)])
  expect(finished.results).toEqual(['accepted'])
  const { rows } = await world.db.query('select condition from attempt_results')
  // Either order is right; what was answered is what is there.
  expect(rows).toEqual('ok' in set ? [{ condition: true }] : [])
  expect(await ask('condition.set', { value: false })).toHaveProperty('error')
})

test('a call locks in the order of those who end its attempt: neither waits for the other', async () => {
  const world = await helperWorld()
  const { ask, job } = await world.run()
  const ending = await world.db.pool.connect()
  onTestFinished(() => ending.release(true))
  await ending.query('begin')
  await ending.query('select from jobs where public_id = $1 for update', [job.publicId])
  const set = ask('condition.set', { value: true })
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await expect.poll(async () => (await world.db.query(waiting)).rowCount).toBe(1)
  await ending.query('select from attempts for update')
  await ending.query('commit')
  expect(await set).toHaveProperty('ok')
})

test('output, condition, progress and what the run is', async () => {
  const world = await helperWorld()
  const client = await world.db.pool.connect()
  onTestFinished(() => client.release(true))
  await client.query('listen runyard_jobs')
  const told: string[] = []
  client.on('notification', ({ payload }) => void told.push(payload!))
  const bytes = Buffer.from('{"a":1}')
  const { ask, job, run, input } = await world.run({ input: { type: 'application/json', bytes } })
  // A runner asks before the script begins, and its answer is what the script sees.
  expect(await ask('event.get')).toMatchObject({ ok: { started_at: expect.any(String) } })
  await world.runner1.started(job)
  expect(await ask('event.get')).toMatchObject({
    ok: { name: 'nightly', kind: 'bash', version: 3, run_id: run, job_id: job.publicId, attempt: 1, trigger: 'manual' },
  })
  expect(await ask('event.get')).toMatchObject({ ok: { input: { type: 'application/json', bytes: 7 } } })
  const opened = await input()
  expect(opened).toMatchObject({ type: 'application/json', size: 7 })
  expect(await buffer(Readable.from(opened!.body))).toEqual(bytes)

  const result = async () => (await world.db.query('select * from attempt_results')).rows[0]
  await ask('condition.set', { value: false })
  await ask('output.set', { type: 'text/plain', base64: Buffer.from('hi').toString('base64') })
  await ask('progress.set', { percent: 12.5, text: 'begun\0' })
  await ask('progress.set', { percent: 50 })
  expect(await result()).toMatchObject({
    ...{ condition: false, output_type: 'text/plain', output: Buffer.from('hi'), output_artifact: null },
    ...{ output_bytes: '2', progress: 50, status_text: 'begun\uFFFD' },
  })
  await expect.poll(() => told.filter((ids) => ids.includes(job.publicId)).length).toBeGreaterThan(1)

  const large = { type: 'application/octet-stream', artifact: 'runyard-output' }
  expect(await ask('output.set', large)).toMatchObject(refused('failed_precondition', /send it first/))
  const { rows } = await world.db.query<{ id: string }>(
    `insert into artifacts (job_id, attempt, name, bytes, sha256, blob) values ($1, 1, 'runyard-output', $2, $3, 'b')
     returning id`,
    [job.jobKey, file.length, randomBytes(32)],
  )
  await ask('output.set', large)
  expect(await result()).toMatchObject({ output: null, output_artifact: rows[0]!.id, output_bytes: '300' })
  const tooLarge = { type: 'text/plain', base64: Buffer.alloc(300 * 1024).toString('base64') }
  expect(await ask('output.set', tooLarge)).toMatchObject(refused('invalid_argument', /too large/))

  // A large output as the next one's input.
  const next = await world.run({ input: { type: 'application/octet-stream', artifact: rows[0]!.id } })
  const file2 = await next.input()
  expect(await buffer(Readable.from(file2!.body))).toEqual(file)
  await world.db.query('update artifacts set job_id = null')
  await expect(next.input()).rejects.toMatchObject({ code: 'not_found' })
  expect(await (await world.run()).input()).toBeNull()
})

test('what a script left in the file of its outputs is taken once it has ended', async () => {
  const world = await helperWorld()
  await world.set('secret', 'of somebody', { secret: true })
  const { ask, job } = await world.run()
  await ask('condition.set', { value: true })
  await world.runner1.finish(job)
  const outputs = {
    'runyard.output': '{"a":1}',
    'runyard.condition': 'false',
    'runyard.variable.n': '5',
    'runyard.variable.text': 'so it is',
    'runyard.variable.secret': 'mine now',
    ordinary: 'x',
  }
  await world.db.query('update jobs set outputs = $2 where public_id = $1', [job.publicId, JSON.stringify(outputs)])
  const notes = await world.db.tx((tx) => applyFileResults(tx, world.deps, job.publicId))
  expect(notes).toEqual([expect.stringMatching(/variable secret was not set: .*is a secret/)])
  expect(await world.valueOf('n')).toBe('5')
  expect(await world.valueOf('text')).toBe('so it is')
  const { rows } = await world.db.query('select condition, output_type, output from attempt_results')
  expect(rows).toEqual([{ condition: true, output_type: 'application/json', output: Buffer.from('{"a":1}') }])
})
