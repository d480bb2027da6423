/** Failures over HTTP: listed, done again, dismissed, their groups, incidents and rules; and analytics. Who may. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner, type FakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { finish } from '../../queue/finish.ts'
import { definitionOf, storePipeline } from '../../pipelines/testing/definitions.ts'

let server: TestServer
let runner: FakeRunner
let anna: Person
let ben: Person
let vera: Person

beforeAll(async () => {
  server = await runningServer()
  runner = await fakeRunner(server.runnerSocket)
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
  vera = await server.person('viewer', 'vera')
})
afterAll(() => server?.close())

const failure = { state: 'failed', error_class: 'exit', exit_code: 3, message: 'no answer within 30 s' } as const
const letters = (who = anna) => who.client.calls.deadLetters
const listed = async (who = anna, query = {}) => (await letters(who).list({ limit: 50, ...query })).dead_letters
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error: { code: string; message: string }) => error,
  )
const audit = async (target: string): Promise<string[]> => {
  const { rows } = await server.db.query<{ line: string }>(
    `select action || ' ' || result as line from audit_log where target = $1 order by id`,
    [target],
  )
  return rows.map((row) => row.line)
}
/** In one transaction: the first task of a run that fails would stop the others. */
async function allFail(n: number): Promise<void> {
  const ended = []
  for (let i = 0; i < n; i++) {
    const { jobKey, number, token } = (await runner.claimOne()).ref
    const ref = { jobKey: String(jobKey), number: Number(number), token: String(token) }
    ended.push({ ...runner.who, ref, outcome: failure, log: null })
  }
  await finish(server.db, ended)
  runner.held.length = 0
}
const settle = () =>
  server.db.query(
    `update event_runs er set settled_at = now(), ended_at = j.ended_at, started_at = j.started_at, end_state = j.state
     from jobs j where j.public_id = er.job_id and j.ended_at is not null and er.settled_at is null`,
  )

test('an event, a job and a run of a pipeline fail, and are done again by the way they came', async () => {
  const event = await anna.client.calls.events.create({
    ...{ name: 'import', status: 'active' },
    definition: { kind: 'bash', script: 'exit 3', incident_channels: [] },
  })
  const first = await anna.client.calls.events.run({ event: 'import', input: { file: 7 } })
  await runner.run('', failure)
  const job = await anna.client.calls.jobs.submit({ command: ['false'], name: 'plain' })
  await runner.run('', failure)
  await storePipeline(server.db, 'release', definitionOf({ tasks: { build: {}, lint: {} } }))
  const run = await anna.client.calls.pipelines.start({ name: 'release', variables: {} })
  await allFail(2)
  await until(async () => (await anna.client.calls.pipelineRuns.get({ id: run.id })).ended_at !== null)

  const all = await listed()
  expect(all.map(({ source, state, exit_code, error }) => [source.kind, source.name, state, exit_code, error])).toEqual(
    [
      ['pipeline', expect.stringMatching(/^release \/ (build|lint)$/), 'open', 3, failure.message],
      ['pipeline', expect.stringMatching(/^release \/ (build|lint)$/), 'open', 3, failure.message],
      ['job', 'plain', 'open', 3, failure.message],
      ['event', 'import', 'open', 3, failure.message],
    ],
  )
  expect(all[3]).toMatchObject({ event_run_id: first.id, source: { id: event.id }, owner: 'anna', attempts: 1 })
  expect(all[0]).toMatchObject({ pipeline_run_id: run.id, source: { id: run.id } })

  // What one may not see is not there; a viewer sees and does nothing; filters; pages.
  expect(await listed(ben)).toEqual([])
  expect(await letters(ben).act({ action: 'redrive', jobs: [job.id] })).toMatchObject({
    ...{ done: [], more: false },
    refused: [{ job_id: job.id, reason: 'no failed job of this id, or you may not see it' }],
  })
  expect(await listed(vera)).toHaveLength(4)
  expect(await refusal(letters(vera).act({ action: 'dismiss', all: {} }))).toMatchObject({ code: 'permission_denied' })
  expect(await refusal(letters().act({ action: 'dismiss' }))).toMatchObject({ code: 'invalid_argument' })
  expect(await listed(anna, { search: 'PLAIN' })).toHaveLength(1)
  expect(await listed(anna, { event: 'import' })).toHaveLength(1)
  expect(await listed(anna, { queue: 'nothing' })).toHaveLength(0)
  const page = await letters().list({ limit: 3 })
  expect(page).toMatchObject({ open: 4, next_cursor: expect.any(String) })
  expect((await letters().list({ limit: 3, cursor: page.next_cursor! })).dead_letters).toMatchObject([
    { job_id: first.job_id },
  ])

  // All at once: the two tasks are one run again. Twice at the same time is once.
  const [one, other] = await Promise.all([
    letters().act({ action: 'redrive', all: {} }),
    letters().act({ action: 'redrive', all: {} }),
  ])
  const done = [...one.done, ...other.done]
  const fresh = new Set(done.map(({ redriven_as: as }) => as))
  expect(fresh.size).toBe(3)
  expect(new Set(done.map(({ job_id: id }) => id)).size).toBe(4)
  expect(await listed()).toEqual([])
  const redriven = await listed(anna, { state: 'redriven' })
  expect(redriven).toHaveLength(4)
  expect(redriven.every((letter) => letter.acted_by === 'anna' && fresh.has(letter.redriven_as))).toBe(true)
  const again = (await anna.client.calls.eventRuns.list({ event: 'import', limit: 9 })).runs
  expect(again).toMatchObject([{ trigger: 'redrive', cause: { by: 'anna' } }, { id: first.id }])
  expect((await anna.client.calls.eventRuns.get({ id: again[0]!.id })).input).toMatchObject({ json: { file: 7 } })
  expect(
    await anna.client.calls.jobs.get({ id: redriven.find(({ name }) => name === 'plain')!.redriven_as! }),
  ).toMatchObject({
    rerun_of: job.id,
  })
  expect(await audit(`job:${job.id}`)).toContain('dead_letter.redrive done')
  expect(await letters().act({ action: 'redrive', jobs: [job.id] })).toMatchObject({
    refused: [{ reason: 'it is redriven already, by anna' }],
  })
  await allFail(4)
  const open = await listed()
  expect(open).toHaveLength(4)
  expect(
    await server.client.calls.deadLetters.act({ action: 'dismiss', jobs: open.map((letter) => letter.job_id) }),
  ).toMatchObject({
    done: open.map(() => ({ redriven_as: null })),
  })
  expect(await listed()).toEqual([])
})

test('groups, an incident with its timeline, rules, and who may', async () => {
  const incidents = anna.client.calls.incidents
  const { groups } = await until(async () => {
    const found = await anna.client.calls.failureGroups.list({ limit: 50 })
    return found.groups.reduce((sum, group) => sum + group.total, 0) === 8 && found
  }, 'groups of all failures')
  expect(groups.map(({ source, total }) => `${source.kind} ${source.name} ${total}`).toSorted()).toEqual([
    'event import 2',
    'job plain 2',
    'pipeline release / build 2',
    'pipeline release / lint 2',
  ])
  const ofEvent = groups.find(({ source }) => source.kind === 'event')!
  expect(ofEvent).toMatchObject({ pattern: 'no answer within <n> s', sample: failure.message, exit_code: 3, open: 0 })
  expect(ofEvent.hours).toHaveLength(24)
  expect(ofEvent.hours.at(-1)! + ofEvent.hours.at(-2)!).toBe(2)
  expect(await listed(anna, { state: ['dismissed', 'redriven'], group: ofEvent.id })).toHaveLength(2)

  const [incident] = (await incidents.list({ event: 'import', limit: 9 })).incidents
  expect(incident).toMatchObject({ kind: 'new', state: 'open', failures: 2, group_id: ofEvent.id, owner: 'anna' })
  expect((await incidents.list({ limit: 9 })).open).toBe(3)
  expect((await ben.client.calls.incidents.list({ limit: 9 })).incidents).toEqual([])
  const { id } = incident!
  expect(await refusal(ben.client.calls.incidents.get({ id }))).toMatchObject({ code: 'not_found' })
  expect(await refusal(vera.client.calls.incidents.act({ id, action: 'close' }))).toMatchObject({
    code: 'permission_denied',
  })
  expect(await refusal(incidents.act({ id, action: 'note' }))).toMatchObject({ code: 'invalid_argument' })
  expect(await incidents.act({ id, action: 'acknowledge' })).toMatchObject({
    state: 'acknowledged',
    acknowledged_by: 'anna',
  })
  await incidents.act({ id, action: 'note', note: 'the other side is down' })
  const closed = await incidents.act({ id, action: 'close', note: 'it is up' })
  expect(closed).toMatchObject({ state: 'closed', closed_by: 'anna' })
  expect(closed.timeline.filter(({ kind }) => kind !== 'failure').map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    `opened: ${failure.message}`,
    'acknowledged: anna looks into it',
    'note: anna: the other side is down',
    'closed: closed by anna: it is up',
  ])
  expect(await refusal(incidents.act({ id, action: 'close' }))).toMatchObject({ code: 'conflict' })
  expect(await audit(`incident:${id}`)).toEqual([
    'incident.close refused',
    'incident.note refused',
    ...['incident.acknowledge done', 'incident.note done', 'incident.close done', 'incident.close refused'],
  ])

  expect(await anna.client.calls.failureGroups.mute({ id: ofEvent.id, muted: true })).toMatchObject({ muted: true })
  expect(await refusal(ben.client.calls.failureGroups.mute({ id: ofEvent.id, muted: true }))).toMatchObject({
    code: 'not_found',
  })

  expect(await incidents.rules()).toMatchObject({ repeated_times: 3, channels: [] })
  expect(await refusal(incidents.putRules({ repeated_times: 5 }))).toMatchObject({ code: 'permission_denied' })
  const rules = server.client.calls.incidents
  expect(await refusal(rules.putRules({ channels: ['nowhere'] }))).toMatchObject({ code: 'invalid_argument' })
  expect(await rules.putRules({ repeated_times: 5 })).toMatchObject({ repeated_times: 5, new_patterns: true })
})

test('how things ran: the table, over time, by hour, and what is worst', async () => {
  await anna.client.calls.events.run({ event: 'import' })
  await runner.run('', { state: 'succeeded', exit_code: 0, usage: { cpu_ms: 1500, memory_peak_bytes: 4096 } })
  await settle()
  const { analytics } = anna.client.calls
  const table = await analytics.table({ by: 'event' })
  expect(table.rows).toMatchObject([{ name: 'import', runs: 3, succeeded: 1, failed: 2, success_rate: 1 / 3 }])
  expect(table.total).toMatchObject({ runs: 3, failed: 2 })
  expect(table.rows[0]!.duration_p95_ms).toBeGreaterThanOrEqual(table.rows[0]!.duration_p50_ms!)
  expect((await analytics.table({ by: 'pipeline', search: 'REL' })).rows).toMatchObject([
    { name: 'release', runs: 2, failed: 2 },
  ])
  expect((await analytics.table({ by: 'pipeline', search: 'nothing' })).total).toMatchObject({
    runs: 0,
    success_rate: null,
  })
  const users = await vera.client.calls.analytics.table({ by: 'user', sort: 'cpu' })
  expect(users.rows).toMatchObject([{ name: 'anna', runs: 9, cpu_ms: 1500, memory_max_bytes: 4096 }])
  expect((await ben.client.calls.analytics.table({ by: 'user' })).rows).toEqual([])

  const sum = (points: { succeeded: number; failed: number }[]) =>
    points.reduce((all, point) => all + point.succeeded + point.failed, 0)
  const byDay = await analytics.series({ days: 7 })
  expect(byDay).toMatchObject({ step_seconds: 86_400 })
  expect([byDay.points.length, sum(byDay.points)]).toEqual([8, 5])
  const byHour = await analytics.series({ days: 2, event: 'import' })
  expect([byHour.step_seconds, byHour.points.length, sum(byHour.points)]).toEqual([3600, 49, 3])
  expect(sum((await analytics.series({ days: 1, pipeline: 'release' })).points)).toBe(2)
  expect(await refusal(analytics.series({ event: 'import', pipeline: 'release' }))).toMatchObject({
    code: 'invalid_argument',
  })
  expect(await refusal(ben.client.calls.analytics.series({ event: 'import' }))).toMatchObject({ code: 'not_found' })

  const { cells } = await analytics.heat({ zone: 'Asia/Kolkata' })
  expect(cells).toHaveLength(168)
  expect(cells.reduce((all, cell) => all + cell.runs, 0)).toBe(5)
  for (const zone of ['nowhere', '+01:00', "UTC'"]) {
    expect(await refusal(analytics.heat({ zone }))).toMatchObject({ code: 'invalid_argument' })
  }

  await server.db.query(
    `insert into schedules (public_id, event_id, name, source, owner_id, every_seconds, high_water)
     select 'schedule0001', id, 'hourly', 'api', owner_id, 3600, now() from events where name = 'import'`,
  )
  await server.db.query(
    `insert into schedule_ticks (schedule_id, tick, outcome, reason)
     select id, now(), 'refused', 'event import is paused' from schedules where public_id = 'schedule0001'`,
  )
  const troubles = await analytics.troubles({ days: 7 })
  expect(troubles.failing.map(({ name, failed }) => `${name} ${failed}`).toSorted()).toEqual(['import 2', 'release 2'])
  expect(troubles.slowest).toHaveLength(2)
  expect(troubles.late).toMatchObject([
    { schedule_id: 'schedule0001', target: 'import', outcome: 'refused', late_ms: null },
  ])
  expect(await ben.client.calls.analytics.troubles({ kinds: ['late'] })).toEqual({
    slowest: [],
    failing: [],
    flapping: [],
    late: [],
  })
})
