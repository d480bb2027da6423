/** The one way to the database: statements, transactions, and errors that say whether trying again makes sense. */
import type { Socket } from 'node:net'
import pg from 'pg'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { asAppError, isSilence } from './db-errors.ts'

export type DbConfig = pg.PoolConfig

/** Statements with a name are prepared once per connection: half the cost on the hot paths (claim, heartbeat, finish). */
export interface Statement {
  name?: string
  text: string
  values?: readonly unknown[]
}
export interface Result<R> {
  rows: R[]
  rowCount: number
}

/** A database or a transaction on it. bigint comes back as a string; cast counts to int in SQL. */
export interface Queryable {
  query<R = Record<string, unknown>>(sql: Statement | string, values?: readonly unknown[]): Promise<Result<R>>
}

/** The last statement of a transaction, sent together with the commit: one journey less. */
export type Last = Queryable['query']

export interface Db extends Queryable {
  pool: pg.Pool
  /**
   * Commits what `fn` did, or nothing of it when it throws. Statements that do not wait for each other's answers travel
   * together; `begin` always goes with the first one, and so do `settings` (`set local …`).
   */
  tx<T>(fn: (tx: Queryable, last: Last) => Promise<T>, settings?: string): Promise<T>
  end(): Promise<void>
}

/** A dead peer is noticed in 25 s instead of 2 hours, on both sides: a lost session must not keep its locks. */
export const serverKeepalive = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3'

export function clientConfig(target: string | DbConfig): DbConfig {
  const given: DbConfig = typeof target === 'string' ? { connectionString: target } : target
  return {
    application_name: `runyard ${process.pid}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 5000,
    options: serverKeepalive,
    ...given,
  }
}

const limits: DbConfig = {
  max: 12,
  idleTimeoutMillis: 10_000,
  statement_timeout: 60_000,
  lock_timeout: 15_000,
  idle_in_transaction_session_timeout: 30_000,
  // A statement is sent when it is given, not when the one before was answered.
  pipeline: true,
}

/** Longer than the server's own limit: only a backend that stands still, or a peer that vanished, stays silent for so long. */
const silenceMs = 65_000

async function run<R>(
  on: pg.Pool | pg.PoolClient,
  sql: Statement | string,
  values?: readonly unknown[],
): Promise<Result<R>> {
  try {
    const statement = typeof sql === 'string' ? { text: sql, values } : { ...sql, values: sql.values ?? values }
    const given = { ...statement, query_timeout: silenceMs }
    const { rows, rowCount } = await on.query(given as pg.QueryConfig)
    return { rows: rows as R[], rowCount: rowCount ?? 0 }
  } catch (error) {
    throw asAppError(error)
  }
}

/** What is sent until the next turn leaves in one write to the socket. */
function together(client: pg.PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** A commit of a transaction in which something failed is a rollback, and says so only here. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((error: unknown) => {
    throw asAppError(error)
  })
  if (command !== 'COMMIT') throw new AppError('internal', 'a failed transaction was to be committed')
}

async function transaction<T>(
  pool: pg.Pool,
  fn: (tx: Queryable, last: Last) => Promise<T>,
  settings: string | undefined,
): Promise<T> {
  let client: pg.PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    throw asAppError(error)
  }
  let failure: Error | undefined
  try {
    together(client)
    const begun = run(client, settings === undefined ? 'begin' : `begin; ${settings}`)
    let committed: Promise<void> | undefined
    const query: Queryable['query'] = (sql, values) => run(client, sql, values)
    const last: Last = (sql, values) => {
      together(client)
      const answer = run(client, sql, values)
      committed = commit(client)
      committed.catch(() => {}) // awaited below, unless the statement itself failed
      return answer as never
    }
    begun.catch(() => {}) // the first statement fails with it
    const result = await fn({ query }, last)
    await begun
    await (committed ?? commit(client))
    return result
  } catch (error) {
    // One that said nothing for so long would not answer this either.
    if (isSilence(error)) failure = error as Error
    else await client.query('rollback').catch((cause: Error) => (failure = cause))
    throw error
  } finally {
    client.release(failure)
  }
}

export function openDb(target: string | DbConfig): Db {
  const pool = new pg.Pool({ ...limits, ...clientConfig(target) })
  // Between two owners a connection has no listener of the pool's for a moment, and a word of the server's that comes
  // then would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', (error) => emitFact({ name: 'db.connection_lost', level: 'warn', message: error.message }))
  let ended: Promise<void> | undefined
  return {
    pool,
    query: (sql, values) => run(pool, sql, values),
    tx: (fn, settings) => transaction(pool, fn, settings),
    end: () => (ended ??= pool.end()),
  }
}
