import { expect, test } from 'vitest'
import { aQueue, aUser } from '../../test/factories.ts'
import { aJob, lease, queueWorld, someoneWaits } from '../../test/queue-world.ts'
import { cancel } from './cancel.ts'
import { claim } from './claim.ts'
import { submit } from './submit.ts'

const idsOf = (jobs: { publicId: string }[]) => jobs.map((job) => job.publicId)

test('10,000 jobs are claimed once each by claimers on two servers', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const servers = [world.db, world.secondDb()]
  const ids = await world.submit(...Array.from({ length: 10_000 }, () => aJob()))
  const runners = await Promise.all([1, 2, 3, 4].map(() => world.runner({ slots: 10_000 })))
  const claimed: string[] = []
  await Promise.all(
    runners.map(async (runner, n) => {
      for (;;) {
        const offer = runner.offer({ slots: 300 })
        const jobs = (await claim(servers[n % 2]!, [offer], lease)).get(runner.from.runnerId)!
        if (jobs.length === 0) return
        runner.held.push(...jobs)
        claimed.push(...idsOf(jobs))
      }
    }),
  )
  expect(claimed).toHaveLength(10_000)
  expect(new Set(claimed)).toEqual(new Set(ids))
  const tokens = await world.db.query<{ n: number }>('select count(distinct token)::int as n from attempts')
  expect(tokens.rows[0]!.n).toBe(10_000)
})

test(
  'caps of queue and user hold at every moment under concurrent claims and finishes',
  { timeout: 60_000 },
  async () => {
    const world = await queueWorld()
    const servers = [world.db, world.secondDb()]
    await aQueue(world.db, { name: 'narrow', concurrency: 3 })
    const capped = await aUser(world.db, { maxRunning: 4 })
    const jobs = (queue: string) => Array.from({ length: 40 }, () => aJob({ queue }))
    await world.submit(...jobs('narrow'))
    await submit(world.db, { ownerId: capped.id, jobs: [...jobs('narrow'), ...jobs('default')] })
    // The check runs inside every statement that leases, so no moment is missed. The claims' lock orders the statements.
    await world.db.query(`
    create function check_caps() returns trigger language plpgsql as $$ begin
      if exists (select 1 from jobs j join queues q on q.id = j.queue_id where j.state in ('leased', 'running')
          group by q.id having count(*) > q.concurrency) then raise exception 'queue cap exceeded'; end if;
      if exists (select 1 from jobs j join users u on u.id = j.owner_id where j.state in ('leased', 'running')
          group by u.id having count(*) > u.max_running) then raise exception 'user cap exceeded'; end if;
      return null;
    end $$;
    create trigger check_caps after update on jobs for each statement execute function check_caps()`)
    const runners = await Promise.all([1, 2, 3, 4].map(() => world.runner({ slots: 3 })))
    let most = 0
    let left = 120
    await Promise.all(
      runners.map(async (runner, n) => {
        while (left > 0) {
          const got = (await claim(servers[n % 2]!, [runner.offer()], lease)).get(runner.from.runnerId)!
          runner.held.push(...got)
          most = Math.max(most, (await world.states()).leased ?? 0)
          const over = runner.held.slice(0, 2)
          await runner.finishAll(over)
          left -= over.length
        }
      }),
    )
    expect(await world.states()).toEqual({ succeeded: 120 })
    expect(most).toBeGreaterThan(2)
  },
)

test('many claims at the same instant never exceed a cap together', { timeout: 60_000 }, async () => {
  const world = await queueWorld()
  const servers = [world.db, world.secondDb()]
  await aQueue(world.db, { name: 'narrow', concurrency: 3 })
  await world.submit(...Array.from({ length: 60 }, () => ({ queue: 'narrow' })))
  const runners = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => world.runner({ slots: 2 })))
  for (let burst = 0; burst < 8; burst++) {
    await Promise.all(
      runners.map(async (runner, n) => {
        const got = await claim(servers[n % 2]!, [runner.offer()], lease)
        runner.held.push(...got.get(runner.from.runnerId)!)
      }),
    )
    expect(runners.reduce((sum, runner) => sum + runner.held.length, 0)).toBe(3)
    for (const runner of runners) await runner.finishAll([...runner.held])
  }
})

test('a user at the cap leaves the slots to others', async () => {
  const world = await queueWorld()
  const capped = await aUser(world.db, { maxRunning: 2 })
  await submit(world.db, { ownerId: capped.id, jobs: Array.from({ length: 5 }, () => aJob({ priority: 10 })) })
  const [other] = await world.submit({ priority: 0 })
  const runner = await world.runner()
  const jobs = await runner.claim()
  expect(jobs).toHaveLength(3)
  expect(idsOf(jobs)).toContain(other)
  expect(await runner.claim()).toEqual([])
  await runner.finish(jobs.find((job) => job.ownerId === capped.id)!)
  expect(await runner.claim()).toHaveLength(1)
})

test('a paused queue gives nothing', async () => {
  const world = await queueWorld()
  await aQueue(world.db, { name: 'p', paused: true })
  await world.submit({ queue: 'p' })
  const runner = await world.runner()
  expect(await runner.claim()).toEqual([])
  await world.db.query(`update queues set paused = false where name = 'p'`)
  expect(await runner.claim()).toHaveLength(1)
})

test('a rate of 4 in 10 s: four at once, then one every 2.5 s', async () => {
  const world = await queueWorld()
  await aQueue(world.db, { name: 'rated', rateStarts: 4, rateSeconds: 10 })
  await world.submit(...Array.from({ length: 10 }, () => aJob({ queue: 'rated' })))
  const runner = await world.runner()
  const counts = [(await runner.claim()).length]
  for (const seconds of [0, 2, 1, 5, 3600]) {
    await world.passTime(seconds)
    counts.push((await runner.claim()).length)
  }
  // 3 s pass in two steps: one token, and 0.2 of the next; 5 s more: two.
  expect(counts).toEqual([4, 0, 0, 1, 2, 3])
})

test('priority first, then age; ten minutes weigh two levels', async () => {
  const world = await queueWorld()
  const [old] = await world.submit({ priority: 5 })
  await world.passTime(9 * 60)
  const [second, urgent, low] = await world.submit({ priority: 5 }, { priority: 7 }, { priority: 0 })
  await world.passTime(2 * 60)
  const [late] = await world.submit({ priority: 7 })
  const runner = await world.runner({ slots: 1 })
  const order: string[] = []
  for (let i = 0; i < 5; i++) {
    const job = await runner.claimOne()
    order.push(job.publicId)
    await runner.finish(job)
  }
  // `old` waited 11 minutes: 2.2 levels, so it goes before `late`; `urgent` was only 9 minutes younger.
  expect(order).toEqual([urgent, old, late, second, low])
})

test('first in, first out inside one priority, across lanes and batches', async () => {
  const world = await queueWorld()
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    ids.push(...(await world.submit(aJob({}, { cpuMillis: i }))), ...(await world.submit({}, {})))
    await world.passTime(1)
  }
  const runner = await world.runner({ slots: 100 })
  expect(idsOf(await runner.claim())).toEqual(ids)
})

test('labels, executors and size decide who may take a job', async () => {
  const world = await queueWorld()
  const [gpu] = await world.submit({ required_labels: { gpu: 'a100', zone: 'eu' } })
  const [big] = await world.submit(aJob({}, { cpuMillis: 3000, memoryMib: 900 }))
  const plain = await world.runner({ labels: { gpu: 'a100' }, cpuMillis: 2000 })
  const other = await world.runner({ labels: { gpu: 'a100', zone: 'eu' }, executors: ['ssh'] })
  const right = await world.runner({ labels: { gpu: 'a100', zone: 'eu', more: '1' }, cpuMillis: 2000 })
  const large = await world.runner({ cpuMillis: 3000, memoryMib: 900 })
  expect(await plain.claim()).toEqual([])
  expect(await other.claim()).toEqual([])
  expect(idsOf(await right.claim())).toEqual([gpu])
  expect(await large.claim({ memoryMib: 899 })).toEqual([])
  expect(idsOf(await large.claim())).toEqual([big])
})

test('what a runner holds counts against it, whatever it says', async () => {
  const world = await queueWorld()
  await world.submit(...Array.from({ length: 9 }, () => aJob({}, { cpuMillis: 1000, memoryMib: 100 })))
  const runner = await world.runner({ slots: 5, cpuMillis: 2500, memoryMib: 64_000 })
  expect(await runner.claim({ slots: 99 })).toHaveLength(2)
  expect(await runner.claim({ slots: 99, cpuMillis: 99_000 })).toEqual([])
  await runner.finish(runner.held[0]!)
  expect(await runner.claim({ slots: 99, cpuMillis: 99_000 })).toHaveLength(1)
})

test('one round serves several runners and spreads the jobs', async () => {
  const world = await queueWorld()
  await world.submit({}, {}, {}, {}, {}, {})
  const runners = await Promise.all([1, 2, 3].map(() => world.runner()))
  const given = await claim(
    world.db,
    runners.map((runner) => runner.offer()),
    lease,
  )
  expect([...given.values()].map((jobs) => jobs.length)).toEqual([2, 2, 2])
})

test('small jobs cannot keep a big one waiting for ever', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ slots: 4, cpuMillis: 4000 })
  const small = () => world.submit(aJob({}, { cpuMillis: 1000 }))
  await small()
  const first = await runner.claimOne()
  const [big] = await world.submit(aJob({}, { cpuMillis: 4000 }))
  await small()
  expect(await runner.claim()).toHaveLength(1)
  await world.passTime(61)
  const [behind] = await small()
  expect(await runner.claim()).toEqual([])
  await runner.finish(first)
  expect(await runner.claim()).toEqual([])
  await runner.finish(runner.held[0]!)
  expect(idsOf(await runner.claim())).toEqual([big])
  await runner.finish(runner.held[0]!)
  expect(idsOf(await runner.claim())).toEqual([behind])
})

test('a lease whose answer was lost is delivered again with the same fence, started ones never', async () => {
  const world = await queueWorld()
  await world.submit({}, {})
  const runner = await world.runner()
  const lost = await runner.claim()
  await runner.started(lost[1]!)
  await world.passTime(25)
  expect(await runner.claim({ held: [] })).toEqual([lost[0]])
  await world.passTime(10)
  const { rows } = await world.db.query<{ ok: boolean }>(
    'select lease_expires_at > now() as ok from attempts where job_id = $1',
    [lost[0]!.jobKey],
  )
  expect(rows).toEqual([{ ok: true }])
  expect(await runner.claim()).toEqual([])
})

test('a lease that was cancelled before its answer arrived never starts', async () => {
  const world = await queueWorld()
  const [id] = await world.submit({})
  const runner = await world.runner()
  await runner.claimOne()
  await cancel(world.db, { publicId: id! })
  expect(await runner.claim({ held: [] })).toEqual([])
  expect(await world.state(id!)).toBe('cancelled')
})

test('delivering again takes its share of the slots', async () => {
  const world = await queueWorld()
  await world.submit({}, {}, {})
  const runner = await world.runner({ slots: 10 })
  const [lost] = await runner.claim({ slots: 1 })
  expect(await runner.claim({ slots: 2, held: [] })).toMatchObject([lost!, { number: 1 }])
})

test('a replaced session, a draining and an offline runner get nothing', async () => {
  const world = await queueWorld()
  await world.submit({})
  const old = await world.runner()
  const next = await world.runner({ name: old.description.name })
  expect((await claim(world.db, [old.offer()], lease)).has(old.from.runnerId)).toBe(false)
  for (const state of ['draining', 'offline']) {
    await world.db.query('update runners set state = $1', [state])
    expect(await next.claim()).toEqual([])
  }
  await world.db.query(`update runners set state = 'online'`)
  expect(await next.claim()).toHaveLength(1)
})

test('a row that somebody else holds is left out and not waited for', async () => {
  const world = await queueWorld()
  const [first, second] = await world.submit({}, {})
  const runner = await world.runner()
  await world.db.tx(async (tx) => {
    await tx.query('select 1 from jobs where public_id = $1 for update', [first])
    expect(idsOf(await runner.claim())).toEqual([second])
  })
  expect(idsOf(await runner.claim())).toEqual([first])
})

test('claim rounds wait for each other', async () => {
  const world = await queueWorld()
  await world.submit({})
  const runner = await world.runner()
  let claiming: Promise<unknown> | undefined
  await world.db.tx(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(7203001)')
    claiming = runner.claim()
    await someoneWaits(world.db)
    expect(await world.states()).toEqual({ queued: 1 })
  })
  await claiming
  expect(await world.states()).toEqual({ leased: 1 })
})
