import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { emitFact } from '../lib/facts.ts'
import { aQueue } from '../../test/factories.ts'
import { aJob, queueWorld, type QueueWorld } from '../../test/queue-world.ts'
import { labelCap, others } from './label-cap.ts'
import { createMetrics, type Metrics } from './metrics.ts'

let away = false

async function measured(): Promise<{ world: QueueWorld; metrics: Metrics; lines(): Promise<string[]> }> {
  const world = await queueWorld()
  const metrics = createMetrics({ db: world.db, version: '1.2.3', databaseIsAway: () => away })
  onTestFinished(() => metrics.stop())
  return {
    world,
    metrics,
    lines: async () => (await metrics.text()).split('\n').filter((line) => line.startsWith('runyard_')),
  }
}

test('jobs, depth, oldest wait and slots are what the database has', async () => {
  const { world, lines } = await measured()
  await aQueue(world.db, { name: 'builds' })
  const runner = await world.runner({ slots: 3, name: 'build7' })
  await world.submit({ queue: 'builds' }, { queue: 'builds', delay_seconds: 500 }, {}, {})
  const before = await lines()
  expect(before).toContain('runyard_queue_depth{queue="default"} 2')
  await world.db.query(
    `insert into incidents (public_id, owner_id, source, kind, title, closed_at)
     select 'i' || n, id, 's' || n, 'late', 't', case when n = 2 then now() end from users, generate_series(1, 2) n
     where id = (select min(id) from users)`,
  )
  await world.passTime(100)
  const [job, other] = await runner.claim({ slots: 2 })
  await runner.started(job!)
  await runner.finish(other!)
  const now = await lines()
  expect(now).toEqual(
    expect.arrayContaining([
      'runyard_info{version="1.2.3"} 1',
      'runyard_jobs{queue="builds",state="scheduled"} 1',
      'runyard_jobs{queue="default",state="failed"} 0',
      'runyard_runner_slots{runner="build7"} 3',
      'runyard_runner_slots_used{runner="build7"} 1',
      'runyard_runner_online{runner="build7"} 1',
      'runyard_database_up 1',
      'runyard_outbox_waiting 0',
      'runyard_actions_due 0',
      'runyard_incidents_open 1',
    ]),
  )
  const sum = (name: string) =>
    now.filter((line) => line.startsWith(name)).reduce((n, line) => n + Number(line.split(' ').at(-1)), 0)
  expect(sum('runyard_jobs{')).toBe(4)
  expect(sum('runyard_queue_depth')).toBe(1)
  expect(sum('runyard_queue_oldest_wait_seconds')).toBeGreaterThan(99)
  // What was given away just now had waited for those 100 seconds.
  expect(sum('runyard_wait_seconds_count')).toBe(2)
  expect(sum('runyard_wait_seconds_sum')).toBeGreaterThan(199)
})

test('facts become counters and histograms', async () => {
  const { lines } = await measured()
  emitFact({ name: 'attempt.finished', level: 'debug', state: 'failed', queue: 'builds', run_seconds: 2 })
  emitFact({ name: 'attempt.finished', level: 'debug', state: 'cancelled', queue: 'builds' })
  emitFact({ name: 'job.lost', level: 'debug', count: 3 })
  emitFact({ name: 'log.received', level: 'debug', bytes: 1000 })
  emitFact({ name: 'live.opened', level: 'debug' })
  for (const trigger of ['schedule', 'webhook', 'schedule']) emitFact({ name: 'event.begun', level: 'debug', trigger })
  emitFact({ name: 'event.refused', level: 'debug', trigger: 'webhook' })
  emitFact({ name: 'event.ended', level: 'debug', state: 'succeeded' })
  emitFact({ name: 'action.fired', level: 'debug', state: 'done' })
  emitFact({ name: 'action.given_up', level: 'error' })
  emitFact({ name: 'webhook.delivered', level: 'debug', result: 'turned_away' })
  emitFact({ name: 'leadership.gained', level: 'debug', what: 'upkeep' })
  emitFact({ name: 'leadership.gained', level: 'debug', what: 'something else' })
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'runyard_attempts_total{outcome="failed"} 1',
      'runyard_attempts_total{outcome="cancelled"} 1',
      'runyard_attempts_total{outcome="lost"} 3',
      'runyard_run_seconds_count{queue="builds"} 1',
      'runyard_run_seconds_bucket{le="5",queue="builds"} 1',
      'runyard_run_seconds_bucket{le="1",queue="builds"} 0',
      'runyard_log_received_bytes_total 1000',
      'runyard_websocket_sessions 1',
      'runyard_event_runs_begun_total{trigger="schedule"} 2',
      'runyard_event_runs_begun_total{trigger="webhook"} 1',
      'runyard_event_runs_refused_total{trigger="webhook"} 1',
      'runyard_event_runs_ended_total{state="succeeded"} 1',
      'runyard_actions_total{state="done"} 1',
      'runyard_actions_total{state="failed"} 1',
      'runyard_webhook_deliveries_total{result="turned_away"} 1',
      'runyard_upkeep_leader 1',
    ]),
  )
})

test('without the database what this server knows is still told, and nothing that was', async () => {
  const { world, lines } = await measured()
  await world.submit({})
  expect(await lines()).toContain('runyard_queue_depth{queue="default"} 1')
  emitFact({ name: 'log.received', level: 'debug', bytes: 1000 })
  away = true
  onTestFinished(() => void (away = false))
  const now = await lines()
  expect(now).toContain('runyard_database_up 0')
  expect(now).toContain('runyard_log_received_bytes_total 1000')
  expect(now.filter((line) => /^runyard_(jobs|queue|runner)/.test(line))).toEqual([])
})

test('names past the limit share one series', () => {
  const cap = labelCap(2)
  expect(['a', 'b', 'c', 'a', 'd'].map(cap)).toEqual(['a', 'b', others, 'a', others])
})

test('a thousand queues are some hundred series', async () => {
  const { world, lines } = await measured()
  await world.db.query(`insert into queues (name) select 'q' || n from generate_series(1, 300) n`)
  await world.submit(...Array.from({ length: 300 }, (_, i) => aJob({ queue: `q${i + 1}` })))
  const depths = (await lines()).filter((line) => line.startsWith('runyard_queue_depth{'))
  // Queues without jobs have no series.
  expect(depths).toHaveLength(201)
  expect(depths).toContain(`runyard_queue_depth{queue="${others}"} 100`)
})

test('every metric that the dashboard names is there', async () => {
  const { metrics } = await measured()
  const dashboard = await readFile(new URL('../../deploy/grafana/runyard.json', import.meta.url), 'utf8')
  const known = new Set(
    (await metrics.registry.getMetricsAsJSON()).flatMap(({ name, type }) =>
      String(type) === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  )
  const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets?: { expr: string }[] }[] }
  const expressions = panels.flatMap((panel) => panel.targets ?? []).map((target) => target.expr)
  const named = expressions.flatMap((expr) => expr.match(/\b(?:runyard|nodejs|process)_\w+/g) ?? [])
  expect(named.length).toBeGreaterThan(15)
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([])
  const ours = [...known].filter((name) => name.startsWith('runyard_') && !/_sum|_count|_info/.test(name))
  expect(ours.filter((name) => !named.includes(name))).toEqual([])
})
