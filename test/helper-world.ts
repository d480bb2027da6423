/** Attempts of runs whose helpers are asked, against a database of their own; ends with the test it is called in. */
import { randomBytes } from 'node:crypto'
import { sealJobEnv } from '../src/access/job-env.ts'
import { createSealer } from '../src/access/secrets.ts'
import { changeVariable } from '../src/events/variable-changes.ts'
import { openValue, placeOf, variablesSeenBy } from '../src/events/variable-store.ts'
import type { HelperMethod } from '../src/job/helper-protocol.ts'
import { newPublicId } from '../src/lib/ids.ts'
import type { Deps } from '../src/operations/deps.ts'
import { createHelperPort, type HelperPort } from '../src/operations/helper-port.ts'
import type { Speaker } from '../src/operations/runner-identity.ts'
import type { ClaimedJob } from '../src/queue/types.ts'
import { aJob, queueWorld, type QueueWorld, type TestRunner } from './queue-world.ts'

const sealer = createSealer(randomBytes(32))
/** What the only artefact holds. */
export const file = randomBytes(300)
const artifacts = {
  open: async () =>
    async function* (start: number, end: number) {
      yield file.subarray(start, end)
    },
}

export interface HelperWorld extends QueueWorld {
  port: HelperPort
  deps: Deps
  runner1: TestRunner
  /** A run of an event, claimed. */
  run(over?: {
    secrets?: Record<string, string>
    input?: { type: string; bytes?: Buffer; artifact?: string }
  }): Promise<Attempt & { run: string }>
  attemptOf(job: ClaimedJob, runner?: TestRunner): Attempt
  set(name: string, value: unknown, more?: { secret?: boolean; global?: boolean; owner?: string }): Promise<void>
  valueOf(name: string): Promise<unknown>
}

export interface Attempt {
  job: ClaimedJob
  ask(method: HelperMethod, params?: unknown, key?: string): Promise<Answer>
  input(): ReturnType<HelperPort['openInput']>
}
type Answer = { ok?: unknown; error?: { code: string; message: string } }

export async function helperWorld(): Promise<HelperWorld> {
  const world = await queueWorld()
  const { db, userId } = world
  const deps = { db, sealer, artifacts, config: {} } as unknown as Deps
  const port = createHelperPort(deps)
  const runner1 = await world.runner({ slots: 100 })
  const attemptOf = (job: ClaimedJob, runner = runner1): Attempt => {
    const from: Speaker = { ...runner.from, peer: { kind: 'local' } }
    return {
      job,
      ask: (method, params, key) => port.call(from, job, { method, params, key }) as Promise<Answer>,
      input: () => port.openInput(from, job),
    }
  }
  const { rows } = await db.query<{ id: string }>(
    `insert into events (public_id, owner_id, name, kind, status, version) values ($1, $2, 'nightly', 'bash', 'active', 3)
     returning id`,
    [newPublicId(), userId],
  )
  return {
    ...world,
    port,
    deps,
    runner1,
    attemptOf,
    async run({ secrets = {}, input } = {}) {
      const run = newPublicId()
      const job = aJob({ helpers: true })
      job.spec.event = { run_id: run, name: 'nightly', kind: 'bash' }
      const secret_env = Object.fromEntries(Object.keys(secrets).map((name) => [name, `value of ${name}`]))
      job.envSealed = sealJobEnv({ env: {}, secret_env }, job.publicId, sealer)
      await db.query(
        `insert into event_runs (public_id, event_id, version, definition, owner_id, trigger, job_id, input_type, input,
           input_artifact, input_bytes) values ($1, $2, 3, $3, $4, 'manual', $5, $6, $7, $8, $9)`,
        [
          ...[run, rows[0]!.id, JSON.stringify({ kind: 'bash', secrets }), userId, job.publicId, input?.type ?? null],
          ...[input?.bytes ?? null, input?.artifact ?? null, input?.bytes?.length ?? (input ? file.length : null)],
        ],
      )
      await world.submit(job)
      return { ...attemptOf(await runner1.claimOne()), run }
    },
    async set(name, value, { secret = false, global = false, owner = userId } = {}) {
      const at = { place: placeOf(global ? 'global' : 'user', owner), name, by: 'test' }
      await db.tx((tx) => changeVariable(tx, sealer, at, () => ({ value, secret, description: null })))
    },
    async valueOf(name) {
      const [row] = await variablesSeenBy(db, userId, [name])
      return row && openValue(row, sealer)
    },
  }
}
