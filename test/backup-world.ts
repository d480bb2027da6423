/** A system of rows, logs and keys for the tests of backup and restore, without a server. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { emptyDatabase } from './database.ts'
import { queueWorld, type QueueWorld } from './queue-world.ts'
import { removeScratch, scratchDir } from './scratch.ts'
import { createKeyring } from '../src/access/keyring.ts'
import { claimSecretKey } from '../src/access/sealing-keys.ts'
import { ensureKeys } from '../src/access/keys.ts'
import { loadConfig, type Config } from '../src/config/config.ts'
import { openDb, type Db } from '../src/db/pool.ts'
import { createLocalLogStore } from '../src/logs/local-log-store.ts'
import { encodeRecord } from '../src/logs/records.ts'
import { shortLog } from '../src/logs/short-log.ts'
import { attemptKey, type AttemptRef } from '../src/queue/types.ts'
import { changeVariable } from '../src/events/variable-changes.ts'
import { createBackup, openBackup, restoreBackup } from '../src/backup/index.ts'

const never = new AbortController().signal

export interface Place {
  config: Config
  dataDir: string
}

export function place(env: NodeJS.ProcessEnv = {}): Place {
  const dataDir = scratchDir('b')
  onTestFinished(() => removeScratch(dataDir))
  return { dataDir, config: loadConfig({ env, argvFlags: { dataDir, runDir: join(dataDir, 'run') } }) }
}

export interface Source extends QueueWorld, Place {
  file: string
  backup(over?: Partial<Parameters<typeof createBackup>[0]>): ReturnType<typeof createBackup>
  log(ref: AttemptRef, text: string, sealed: boolean): Promise<void>
  /** As a short job's comes with its end: into a pack. */
  shortLog(ref: AttemptRef, text: string): Promise<void>
}

/** A system with keys, as a server leaves it. */
export async function source(): Promise<Source> {
  const world = await queueWorld()
  const { config, dataDir } = place()
  const { secretKey } = await ensureKeys(config)
  await claimSecretKey(world.db, createKeyring([secretKey]))
  const file = join(dataDir, 'backup.tar.zst')
  return {
    ...world,
    config,
    dataDir,
    file,
    backup: (over = {}) =>
      createBackup({
        ...{ config, databaseUrl: world.url, version: '1.2.3', to: file, withoutKeys: false, overwrite: false },
        ...{ signal: never, onProgress() {}, ...over },
      }),
    async log(ref, text, sealed) {
      const store = createLocalLogStore(join(dataDir, 'logs'))
      const record = encodeRecord('stdout', 1, Buffer.from(text))
      await store.append(attemptKey(ref), 0, record)
      if (sealed) await store.seal(attemptKey(ref), record.length)
      await store.close()
    },
    async shortLog(ref, text) {
      const store = createLocalLogStore(join(dataDir, 'logs'))
      const record = encodeRecord('stdout', 1, Buffer.from(text))
      await store.sealShort([{ attemptKey: attemptKey(ref), log: shortLog(record, record.length) }])
      await store.close()
    },
  }
}

export async function empty(): Promise<string> {
  const { url, drop } = await emptyDatabase()
  onTestFinished(() => drop())
  return url
}

export async function restored(file: string, to: Place, databaseUrl: string, over: object = {}) {
  const backup = await openBackup(createReadStream(file))
  try {
    return await restoreBackup({
      ...{ config: to.config, databaseUrl, version: '2.0.0', backup, force: false, paused: false, signal: never },
      ...{ confirm: async () => false, onProgress() {}, ...over },
    })
  } finally {
    backup.archive.close()
  }
}

export function opened(url: string): Db {
  const db = openDb(url)
  onTestFinished(() => db.end())
  return db
}

export const text = async (dataDir: string, ref: AttemptRef): Promise<{ bytes: string; sealed: boolean }> => {
  const store = createLocalLogStore(join(dataDir, 'logs'))
  const { bytes, sealed } = await store.read(attemptKey(ref), { stream: 'stdout', offset: 0, limit: 1000 })
  await store.close()
  return { bytes: bytes.toString(), sealed }
}

export const rowsOf = async (db: Db, table: string, without: string[] = []): Promise<unknown[]> =>
  (
    await db.query<{ row: unknown }>(
      `select to_jsonb(t) - $1::text[] as row from ${table} t order by to_jsonb(t) - $1::text[]`,
      [without],
    )
  ).rows.map(({ row }) => row)

/** One row in each table of events, beside a job that ended: what a definition, a sealed text or bytes may have in them. */
const eventRows = `
  with e as (
    insert into events (public_id, owner_id, name, kind, version, tags)
    values ('event0000001', $1, 'nightly \\ "x"', 'bash', 1, '{a,"b c"}') returning id
  ), v as (
    insert into event_versions (event_id, number, hash, definition, created_by)
    select id, 1, 'h', '{"z":1, "a":"tab\\t"}', 'x' from e
  ), r as (
    insert into event_runs (public_id, event_id, version, definition, owner_id, trigger, job_id, input_type, input, cause)
    select 'run000000001', id, 1, '{}', $1, 'manual', $3, 'x/y', '\\x00ff0a5c', '{"by":"x"}' from e returning id
  ), f as (
    insert into action_firings (run_id, action, effect, delivery_id, due_at) select id, 'tell', '{"rerun":{}}', 'd', now() from r
  ), w as (
    insert into event_webhooks (public_id, event_id, name, key_hash, key_sealed, scheme, secret_sealed)
    select 'hook00000001', id, 'in', '\\x01', '\\x02', 'github', '\\x03' from e returning id
  ), d as (
    insert into webhook_deliveries (webhook_id, delivery_id, body_hash) select id, 'msg', '\\x04' from w
  ), a as (
    insert into event_after (event_id, place, kind, owner_id, job_name, on_states) select id, 0, 'job', $1, 'n', '{failed}' from e
  ), s as (
    insert into event_signals (event_id, kind, source, state) select id, 'job', 'j', 'failed' from e
  ), t as (
    insert into schedules (public_id, event_id, name, source, owner_id, every_seconds, high_water, input)
    select 'schedule0001', id, 'hourly', 'event', $1, 3600, now(), '{"b":1,"a":2}' from e
  ), o as (
    insert into attempt_results (job_id, number, condition, output_type, output, output_bytes, progress)
    values ($2, 1, true, 'application/json', '\\x7b7d', 2, 50)
  ), h as (
    insert into helper_calls (job_id, number, key, answer) values ($2, 1, 'k', '{}')
  ), m as (
    insert into message_templates (name, owner_id, input) values ('ended', $1, '{"text":"{{ output }}"}')
  ), g as (
    insert into failure_groups (public_id, owner_id, source, event_id, fingerprint, state, pattern, sample, first_at, last_at)
    select 'group0000001', $1, 'event:x', id, 'f', 'failed', 'p', 's', now(), now() from e returning id, event_id
  ), l as (
    insert into dead_letters (job_id, owner_id, group_id) select $2, $1, id from g
  ), i as (
    insert into incidents (public_id, owner_id, source, event_id, group_id, kind, title)
    select 'incident0001', $1, 'event:x', event_id, id, 'new', 't' from g returning id
  ), n as (
    insert into incident_entries (incident_id, kind, text) select id, 'opened', 'é' from i
  ) update incident_rules set channels = '{ops}', repeated_times = 5`

export async function someEvents(
  from: Source,
  { jobKey, publicId }: { jobKey: string; publicId: string },
): Promise<void> {
  await from.db.query(eventRows, [from.userId, jobKey, publicId])
  const place = { scope: 'user', ownerId: from.userId } as const
  const sealer = createKeyring([(await ensureKeys(from.config)).secretKey])
  const content = { value: { deep: ['é', 1] }, secret: true, description: null }
  await from.db.tx((tx) => changeVariable(tx, sealer, { place, name: 'api', by: 'x' }, () => content))
}

/** Of migrations 018 to 022. */
export const eventTables = [
  ...['events', 'event_versions', 'event_runs', 'attempt_results', 'helper_calls', 'schedules', 'event_webhooks'],
  ...['webhook_deliveries', 'event_after', 'event_signals', 'action_firings', 'message_templates', 'variables'],
  ...['sealing_keys', 'dead_letters', 'failure_groups', 'incidents', 'incident_entries', 'incident_rules'],
]
