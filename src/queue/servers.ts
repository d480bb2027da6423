/** The servers of this database: who is there, since when, and where the others reach it. */
import type { Db, Queryable } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'
import { emitFact } from '../lib/facts.ts'

export interface ThisServer {
  id: string
  name: string
  /** Of this process, as the database wrote it down: a later process of the same name has another. */
  startedAt: string
}

/** Longer unheard of than this, a server counts as away. */
export const awayAfterSeconds = 30
const seeEveryMs = 5_000
/** Of one that never came back, when none of its logs is left. */
const forgetAfterDays = 7

export async function joinServers(
  db: Queryable,
  { name, version }: { name: string; version: string },
): Promise<ThisServer> {
  const { rows } = await db.query<{ id: string; started: string }>({
    name: 'queue_join_servers',
    text: `
      insert into servers (name, version, started_at, last_seen_at)
      values ($1, $2, clock_timestamp(), clock_timestamp())
      on conflict (name) do update set version = $2, address = null, started_at = clock_timestamp(),
        last_seen_at = clock_timestamp()
      returning id, started_at::text as started`,
    values: [name, version],
  })
  return { id: rows[0]!.id, name, startedAt: rows[0]!.started }
}

/** False: another process goes by this name now. */
export async function seeServer(db: Queryable, me: ThisServer, address: string | null): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'queue_see_server',
    text: `update servers set last_seen_at = clock_timestamp(), address = $3
      where id = $1 and started_at = $2::text::timestamptz`,
    values: [me.id, me.startedAt, address],
  })
  return rowCount > 0
}

/** `address`: of the gRPC listener, null while there is none. */
export function serverBeat(db: Queryable, me: ThisServer, address: () => string | null): Service {
  let alone = true
  return {
    name: 'servers.see',
    every: seeEveryMs,
    async runOnce() {
      const seen = await seeServer(db, me, address())
      if (!seen && alone) emitFact({ name: 'server.name_taken', level: 'error', server: me.name, why: nameTaken })
      alone = seen
    },
  }
}

const nameTaken =
  'another server runs under the same name: was the data directory copied? Remove the file server-name in one of the two'

/** Servers that are long gone and of which no log is left. Returns their names. */
export async function pruneServers(db: Db | Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>({
    name: 'queue_prune_servers',
    text: `
      with gone as materialized (
        select id from servers where last_seen_at < now() - interval '${forgetAfterDays} days'
      ), named as materialized (
        select distinct log_server from attempts where not log_shared and exists (select 1 from gone)
      )
      delete from servers s using gone where s.id = gone.id
        and not exists (select 1 from named where named.log_server = gone.id) returning s.name`,
  })
  return rows.map((row) => row.name)
}
