import { test } from 'vitest'
import { queueWorld, good } from '../../test/queue-world.ts'
import { analyticsTable } from './table.ts'
import { analyticsSeries, analyticsHeat } from './series.ts'
import { flappingEvents, lateTicks } from './troubles.ts'
import { findGroups } from '../failures/find-groups.ts'
import { findDeadLetters } from '../failures/find-dead-letters.ts'
import { groupFailures } from '../failures/group-failures.ts'
test('measure', { timeout: 600_000 }, async () => {
  const w = await queueWorld()
  const { db } = w
  const took = async (what: string, f: () => Promise<unknown>) => {
    await f(); const times = []
    for (let i = 0; i < 3; i++) { const t = performance.now(); await f(); times.push(Math.round(performance.now() - t)) }
    console.log(what.padEnd(30), times.join(' '))
  }
  // finish path: 500 jobs ended, with and without the part
  const body = (await db.query<{ d: string }>(`select pg_get_functiondef('count_jobs'::regproc) as d`)).rows[0]!.d
  const finishCost = async (label: string) => {
    const runner = await w.runner({ slots: 2000 })
    const times = []
    for (let r = 0; r < 6; r++) {
      await w.submit(...Array.from({ length: 1000 }, () => ({})))
      await runner.claim()
      const t = performance.now(); await runner.finishAll([...runner.held], good); times.push(Math.round(performance.now() - t))
    }
    console.log('finish 1000', label, times.join(' '))
    await db.query(`update runners set state = 'offline'`)
  }
  await finishCost('with')
  const cut = body.replace(/if exists \(select from new_rows where state in[\s\S]*?end if;/, '').replace(/if exists \(select from event_after[\s\S]*?end if;/, '')
  if (cut === body) throw new Error('not cut')
  await db.query(cut); await finishCost('without'); await db.query(body); await finishCost('with')
  await db.query('alter table jobs disable trigger user')
  await db.query(`insert into events (public_id, owner_id, name, kind, status, version) select 'e' || i, $1, 'event ' || i, 'bash', 'active', 1 from generate_series(1, 200) i`, [w.userId])
  await db.query(`insert into event_versions (event_id, number, hash, definition, created_by) select id, 1, 'h', '{}', 'x' from events`)
  await db.query(`insert into event_runs (public_id, event_id, definition, owner_id, trigger, settled_at, end_state, created_at, started_at, ended_at, cpu_ms, memory_bytes)
   select 'r' || i, (select min(id) from events) + i % 200, json_build_object('script', repeat('echo hello world; ', 60)), $1, 'manual', now(), case when random() < 0.1 then 'failed' else 'succeeded' end,
     now() - i * interval '6 s', now() - i * interval '6 s' + interval '1 s', now() - i * interval '6 s' + random() * interval '60 s' + interval '1 s', 100, 1000 from generate_series(1, 100000) i`, [w.userId])
  const q = (await db.query<{id: string}>('select id from queues limit 1')).rows[0]!.id
  await db.query(`insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, created_at, started_at, ended_at, outcome)
   select 'j' || i, $1, $2, case when i % 5 = 0 then 'failed' else 'succeeded' end, 'job ' || i, '{"executor":"sandbox","command":["true"]}', 5, 1, now() - i * interval '6 s', now() - i * interval '6 s', now() - i * interval '6 s' + interval '3 s',
   '{"state":"succeeded","exit_code":0,"message":"exit code 3","usage":{"cpu_ms":12,"memory_peak_bytes":4096}}' from generate_series(1, 100000) i`, [w.userId, q])
  await db.query(`insert into dead_letters (job_id, owner_id, at) select id, owner_id, ended_at from jobs where state = 'failed'`)
  await db.query(`insert into pipelines (name, version, owner_id, source) select 'p' || i, 1, $1, 'api' from generate_series(1, 50) i`, [w.userId]).catch((e) => console.log('pipelines', String(e)))
  await db.query(`insert into pipeline_versions (pipeline_id, number, hash, definition, created_by) select id, 1, 'h', '{}', 'x' from pipelines`).catch((e) => console.log('pv', String(e)))
  await db.query(`insert into runs (public_id, kind, owner_id, name, size, created_at, started_at, ended_at) select 'run' || i, 'pipeline', $1, 'p', 0, now() - i * interval '60 s', now() - i * interval '60 s', now() - i * interval '60 s' + interval '5 s' from generate_series(1, 10000) i`, [w.userId])
  await db.query(`insert into pipeline_runs (run_id, uuid, pipeline_id, version_id, state, result, trigger) select id, gen_random_uuid(), (select min(id) from pipelines) + id % 50, (select min(id) from pipeline_versions), 'ended', 'succeeded', 'manual' from runs`)
  await db.query(`update jobs set run_id = (select min(id) from runs) + id % 10000`)
  await db.query('vacuum analyze')
  for (const by of ['event', 'user', 'pipeline'] as const) await took('table ' + by, () => analyticsTable(db, { days: 7, by, sort: 'runs', limit: 50 }))
  await took('table event own', () => analyticsTable(db, { ownerId: w.userId, days: 7, by: 'event', sort: 'runs', limit: 50 }))
  await took('table event 1 day', () => analyticsTable(db, { days: 1, by: 'event', sort: 'runs', limit: 50 }))
  await took('series', () => analyticsSeries(db, { days: 7 }))
  await took('series 1 event', async () => analyticsSeries(db, { days: 7, event: (await db.query<{id: string}>('select min(id) as id from events')).rows[0]!.id }))
  await took('heat', () => analyticsHeat(db, { days: 7, zone: 'Europe/Berlin' }))
  await took('flapping', () => flappingEvents(db, { days: 7, limit: 10 }))
  await took('late', () => lateTicks(db, { days: 7, limit: 10 }))
  const t = performance.now(); console.log('group', await groupFailures(db, async () => {}), Math.round(performance.now() - t))
  await took('groups', () => findGroups(db, {}, { limit: 51 }))
  await took('dead letters', () => findDeadLetters(db, { state: ['open'] }, { limit: 51 }))
  await took('dead letters search', () => findDeadLetters(db, { state: ['open'], search: 'nothing' }, { limit: 51 }))
  await took('dead letters own', () => findDeadLetters(db, { state: ['open'], ownerId: w.userId }, { limit: 51 }))
  await db.query('delete from jobs')
  await db.query('alter table jobs enable trigger user')
  await db.query('delete from job_counts'); await db.query('delete from job_count_deltas')
})
