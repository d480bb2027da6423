import { expect, test } from 'vitest'
import { aUser } from '../../test/factories.ts'
import { copies, many, round } from '../../test/placement-world.ts'
import { aJob, lease, queueWorld, type QueueWorld, type TestRunner } from '../../test/queue-world.ts'
import { projectLabel } from '../job/project.ts'
import { jobSpecSchema, type JobSpecInput } from '../job/spec.ts'
import { claim } from './claim.ts'
import { waitingReasons } from './find.ts'
import { placementRules } from './placement.ts'
import { pruneLanes } from './forget.ts'
import { submit } from './submit.ts'

const near = (labels: Record<string, string>, required?: boolean): Partial<JobSpecInput> => ({
  placement: { affinity: { labels, ...(required === undefined ? {} : { required }) } },
})
const apart = (labels: Record<string, string>): Partial<JobSpecInput> => ({ placement: { anti_affinity: { labels } } })
const x = { job: 'x' }

const reason = async (world: QueueWorld, id: string | undefined) => (await waitingReasons(world.db, [id!])).get(id!)

test('runners with a label that the job avoids get none of it', async () => {
  const world = await queueWorld()
  const [spot, zone] = [await world.runner({ labels: { kind: 'spot' } }), await world.runner({ labels: { zone: 'b' } })]
  const [id] = await world.submit({ placement: { avoid_labels: { kind: 'spot', zone: 'b' } } })
  expect(await round(world, [spot, zone])).toEqual([0, 0])
  expect(await reason(world, id)).toEqual({
    code: 'no_matching_runner',
    text: 'no runner online has the executor sandbox without kind=spot, zone=b',
  })
  const plain = await world.runner({ labels: { kind: 'own' } })
  expect(await round(world, [spot, zone, plain])).toEqual([0, 0, 1])
})

test('a task of a project waits for a runner with its directory, says so, and goes to it', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ labels: projectLabel('/srv/other') })
  const task = aJob({ working_dir: '/srv/app', required_labels: projectLabel('/srv/app') })
  const [id] = await world.submit({ ...task, spec: { ...task.spec, profile: 'project' } })
  expect(await round(world, [runner])).toEqual([0])
  expect(await reason(world, id)).toEqual({
    code: 'no_matching_runner',
    text: 'no runner online has the project directory /srv/app (start one with --pipelines /srv/app)',
  })
  const both = await world.runner({ labels: { ...projectLabel('/srv/other'), ...projectLabel('/srv/app') } })
  expect(await round(world, [runner, both])).toEqual([0, 1])
})

test('affinity: waits for its partner, says so, and goes to it', async () => {
  const world = await queueWorld()
  const [one, two] = await Promise.all(['one', 'two'].map((name) => world.runner({ name })))
  const [id] = await world.submit(near({ app: 'db' }))
  expect(await round(world, [one!, two!])).toEqual([0, 0])
  const { rows } = await world.db.query<{ username: string }>('select username from users')
  const rule = `placement.affinity asks for a running job of ${rows[0]!.username} with app=db`
  expect(await reason(world, id)).toEqual({ code: 'affinity', text: `${rule}, and there is none` })

  await world.submit({ labels: { app: 'db', more: '1' } })
  expect(await round(world, [two!])).toEqual([1])
  expect((await reason(world, id))!.code).toBe('ready')
  expect(await round(world, [one!])).toEqual([0])
  expect(await round(world, [one!, two!])).toEqual([0, 1])
  expect(await world.state(id!)).toBe('leased')

  const [elsewhere] = await world.submit({ ...near({ app: 'db' }), required_labels: { gpu: '1' } })
  await world.runner({ labels: { gpu: '1' } })
  expect((await reason(world, elsewhere))!.text).toBe(`${rule}, and its runner (two) may not take this one`)
  await two!.finishAll([...two!.held])
  const [late] = await world.submit(near({ app: 'db' }))
  expect(await round(world, [one!, two!])).toEqual([0, 0])
  expect((await reason(world, late))!.code).toBe('affinity')
})

test('jobs of another user are no partners, in either rule', async () => {
  const world = await queueWorld()
  const runner = await world.runner()
  const other = await aUser(world.db)
  await submit(world.db, { ownerId: other.id, jobs: [aJob({ labels: x })] })
  expect(await round(world, [runner])).toEqual([1])
  const [lonely, free] = await world.submit(near(x), apart(x))
  expect(await round(world, [runner])).toEqual([1])
  expect([await world.state(lonely!), await world.state(free!)]).toEqual(['queued', 'leased'])
})

test('a group near itself: the first runs anywhere, the others where it is', async () => {
  const world = await queueWorld()
  const runners = await many(world, [2, 3])
  const ids = await world.submit(...copies(5, { labels: x, ...near(x) }))
  const got = await round(world, runners)
  expect(got).toEqual([0, 3])
  expect(await round(world, runners)).toEqual([0, 0])
  expect((await reason(world, ids[4]))!.code).toBe('no_capacity')
  await runners[1]!.finishAll([...runners[1]!.held])
  const again = await round(world, runners)
  expect(again.filter((n) => n === 2)).toHaveLength(1)
})

test('a wish keeps nobody waiting', async () => {
  const world = await queueWorld()
  const [small, large] = await many(world, [2, 9])
  await world.submit({ labels: x })
  expect(await round(world, [small!])).toEqual([1])
  await world.submit(...copies(2, near(x, false)))
  expect(await round(world, [small!, large!])).toEqual([1, 1])
  await world.submit(near({ no: 'body' }, false))
  expect(await round(world, [small!, large!])).toEqual([0, 1])
})

test('anti-affinity to itself: never two on a runner, whatever the number of servers that claim', async () => {
  const world = await queueWorld()
  const servers = [world.db, world.secondDb()]
  const runners = await many(world, [5, 5, 5])
  const ids = await world.submit(...copies(12, { labels: x, ...apart(x) }))
  await world.db.query(`
    create function check_apart() returns trigger language plpgsql as $$ begin
      if exists (select from attempts where ended_at is null group by runner_id having count(*) > 1)
      then raise exception 'two on one runner'; end if;
      return null;
    end $$;
    create trigger check_apart after insert on attempts for each statement execute function check_apart()`)
  let left = ids.length
  const work = async (runner: TestRunner, n: number): Promise<void> => {
    while (left > 0) {
      const jobs = (await claim(servers[n % 2]!, [runner.offer()], lease)).get(runner.from.runnerId)!
      expect(jobs.length).toBeLessThanOrEqual(1)
      runner.held.push(...jobs)
      left -= jobs.length
      await runner.finishAll([...runner.held])
    }
  }
  await Promise.all(runners.map(work))
  expect(await world.states()).toEqual({ succeeded: 12 })
})

test('anti-affinity: the reason names rule and runners', async () => {
  const world = await queueWorld()
  const runners = await many(world, [5, 5])
  const ids = await world.submit(...copies(3, { labels: x, ...apart(x) }))
  expect(await round(world, runners)).toEqual([1, 1])
  const { code, text } = (await reason(world, ids[2]))!
  expect(code).toBe('anti_affinity')
  expect(text).toMatch(
    /^placement.anti_affinity keeps it away from jobs of user-\w+ with job=x, and each of the 2 runners for it has one$/,
  )
})

test('jobs that wait for a rule are not looked at: hundreds of them before a free one', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ slots: 1 })
  await world.submit(...Array.from({ length: 400 }, (_, i) => ({ ...near({ n: String(i) }), priority: 10 })))
  const [id] = await world.submit({})
  expect((await runner.claimOne()).publicId).toBe(id)
})

test('the database and the plan read rules alike: what may run somewhere is claimed in one round, and nothing else', async () => {
  const world = await queueWorld()
  const names = ['a=1', 'a=2', 'b=1', 'c=1'].map((label) => label.split('=') as [string, string])
  const carried: Record<string, string>[] = [{}, { a: '1' }, { a: '2', b: '1' }]
  const runners = await Promise.all(carried.map((labels) => world.runner({ labels, slots: 1000, cpuMillis: 1e6 })))
  const held: Record<string, string>[] = [{ a: '1' }, { a: '1', b: '1' }, { a: '2', c: '1' }]
  for (const [i, labels] of held.entries()) {
    await world.submit({ labels })
    await runners[i]!.claimOne()
  }
  const subsets = Array.from({ length: 2 ** names.length }, (_, bits) =>
    Object.fromEntries(names.filter((_name, i) => bits & (1 << i))),
  ).filter((labels) => Object.keys(labels).length <= 2)
  const carries = (labels: Record<string, string>, wanted: Record<string, string>) =>
    Object.entries(wanted).every(([key, value]) => labels[key] === value)
  const expected = new Map<string, boolean>()
  for (const near of subsets)
    for (const apart of subsets) {
      const avoid = subsets[(subsets.indexOf(near) * 7 + subsets.indexOf(apart) * 3) % subsets.length]!
      const placement = {
        ...(Object.keys(near).length > 0 && { affinity: { labels: near } }),
        ...(Object.keys(apart).length > 0 && { anti_affinity: { labels: apart } }),
        avoid_labels: avoid,
      }
      if (!jobSpecSchema.safeParse({ command: ['true'], placement }).success) continue
      const [id] = await world.submit({ placement })
      const possible = runners.some(
        ({ description }, i) =>
          !Object.entries(avoid).some(([key, value]) => description.labels[key] === value) &&
          carries(held[i]!, near) &&
          !(Object.keys(apart).length > 0 && carries(held[i]!, apart)),
      )
      expected.set(id!, possible)
    }
  await round(world, runners)
  const { rows } = await world.db.query<{ public_id: string }>(
    `select public_id from jobs where state = 'leased' and labels is null`,
  )
  const wanted = [...expected].filter(([, possible]) => possible).map(([id]) => id)
  expect(wanted.length).toBeGreaterThan(10)
  expect(expected.size - wanted.length).toBeGreaterThan(10)
  expect(new Set(rows.map((row) => row.public_id))).toEqual(new Set(wanted))
})

test('a big job empties a runner only where its rules let it run', async () => {
  const world = await queueWorld()
  const [first, second] = [await world.runner({ slots: 3 }), await world.runner({ slots: 3 })]
  await world.submit({ labels: { app: 'db' } }, aJob({}, { cpuMillis: 1 }))
  expect(await round(world, [second])).toEqual([2])
  const [big] = await world.submit(aJob(near({ app: 'db' }), { cpuMillis: 64_000 }))
  await world.passTime(90)
  await world.submit(...copies(2, { priority: 0 }))
  // The runner of the partner is kept free for it, the other one goes on.
  expect(await round(world, [first, second])).toEqual([2, 0])
  await second.finish(second.held.find((job) => job.spec.labels === undefined)!)
  expect(await round(world, [second])).toEqual([1])
  expect(await world.state(big!)).toBe('leased')
})

test('one that nothing can bring to run keeps no runner empty', async () => {
  const world = await queueWorld()
  const runner = await world.runner({ slots: 3 })
  await world.submit(aJob({}, { cpuMillis: 10 }))
  expect(await round(world, [runner])).toEqual([1])
  await world.submit(aJob(near({ no: 'body' }), { cpuMillis: 64_000 }))
  await world.passTime(90)
  await world.submit({ priority: 0 })
  expect(await round(world, [runner])).toEqual([1])
})

test('jobs of before labels and placement: still claimed, in the lane that they had', async () => {
  const world = await queueWorld()
  const [old] = await world.submit({})
  await world.db.query(`update jobs set spec = spec - 'labels' - 'placement'`)
  const [young] = await world.submit({ placement: {} }, { labels: x })
  const lanes = await world.db.query<{ n: number; placement: object }>('select count(*)::int as n from lanes')
  expect(lanes.rows[0]!.n).toBe(1)
  const runner = await world.runner()
  expect((await runner.claim()).map((job) => job.publicId)).toEqual(expect.arrayContaining([old, young]))
})

test('a lane a placement, whatever the order in which its labels were written', async () => {
  const world = await queueWorld()
  await world.submit(
    near({ a: '1', b: '2' }),
    near({ b: '2', a: '1' }),
    near({ a: '1' }),
    near({ a: '1' }, false),
    apart({ a: '1' }),
  )
  const { rows } = await world.db.query<{ placement: object }>('select placement from lanes order by id')
  expect(rows).toHaveLength(4)
  expect(rows.map((row) => row.placement)).toEqual(
    expect.arrayContaining([{ near: ['a=1', 'b=2'] }, { near: ['a=1'] }, { prefer_near: ['a=1'] }, { apart: ['a=1'] }]),
  )
  await world.db.query(`update lanes set last_used_at = now() - interval '2 days'`)
  expect(await pruneLanes(world.db)).toBe(0)
})

test('labels and rules of full length have a lane', async () => {
  const world = await queueWorld()
  // No two alike: the database compresses what repeats.
  const letters = (seed: number) =>
    Array.from({ length: 60 }, (_, i) => ((seed * 7919 + i * i * 104_729) % 36).toString(36)).join('')
  const labels = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`a${letters(i)}`, letters(i + 100)]))
  await world.submit({ required_labels: labels })
  await world.submit({ placement: { avoid_labels: labels } })
  expect((await world.db.query('select from lanes')).rowCount).toBe(2)
})

test.each<[Partial<JobSpecInput>, object]>([
  [{}, {}],
  [{ placement: {} }, {}],
  [{ placement: { avoid_labels: {} } }, {}],
  [{ placement: { strategy: 'pack', avoid_labels: { b: '', a: '1' } } }, { strategy: 'pack', avoid: ['a=1', 'b='] }],
  [
    { labels: { a: '1', b: '2' }, ...near({ a: '1' }) },
    { near: ['a=1'], near_or_first: true },
  ],
  [{ labels: { a: '2' }, ...near({ a: '1' }) }, { near: ['a=1'] }],
  [{ labels: { a: '1' }, ...near({ a: '1' }, false) }, { prefer_near: ['a=1'] }],
])('%j: the rules of its lane are %j', (spec, rules) => {
  expect(placementRules(aJob(spec).spec)).toEqual(rules)
})
