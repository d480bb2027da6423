/** One connection for a whole backup or restore, without the time limits of the others. */
import pg from 'pg'
import { asAppError } from '../db/db-errors.ts'
import { clientConfig, type Queryable } from '../db/pool.ts'

export interface DatabaseSession extends Queryable {
  client: pg.Client
  /** Rejects when the signal is aborted or the connection is lost; the server then rolls back. */
  inTransaction<T>(begin: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** Whatever the database, its role or a pooler has set; a limit that this version does not know is left out. */
const withoutLimits = `select set_config(name, '0', true) from pg_settings where name in ('statement_timeout',
  'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`

/** Values as text mean the same on both sides, as in pg_dump. */
const plainText = `select set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true),
  set_config('timezone', 'UTC', true), set_config('extra_float_digits', '1', true),
  set_config('bytea_output', 'hex', true), set_config('client_encoding', 'UTF8', true),
  set_config('search_path', 'public', true), set_config('client_min_messages', 'warning', true)`

export async function withSession<T>(
  url: string,
  purpose: string,
  use: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...clientConfig(url), application_name: `runyard ${process.pid} ${purpose}` })
  client.on('error', () => {}) // the statement that is under way says it
  const query = async <R>(sql: unknown, values?: readonly unknown[]): Promise<{ rows: R[]; rowCount: number }> => {
    try {
      const text = typeof sql === 'string' ? { text: sql, values } : { values, ...(sql as object) }
      const { rows, rowCount } = await client.query(text as pg.QueryConfig)
      return { rows: rows as R[], rowCount: rowCount ?? 0 }
    } catch (error) {
      throw asAppError(error)
    }
  }
  const session: DatabaseSession = {
    client,
    query,
    async inTransaction(begin, signal, work) {
      signal.throwIfAborted()
      // A statement that runs for minutes must not keep Ctrl-C waiting.
      const cut = (): void => void client.connection.stream.destroy()
      signal.addEventListener('abort', cut, { once: true })
      try {
        await query(begin)
        await query(withoutLimits)
        await query(plainText)
        const result = await work()
        signal.throwIfAborted()
        await query('commit')
        return result
      } catch (error) {
        // Not `rollback`: a COPY may be in the middle of its rows. The server rolls back when it sees us gone.
        cut()
        signal.throwIfAborted()
        throw asAppError(error)
      } finally {
        signal.removeEventListener('abort', cut)
      }
    },
  }
  try {
    await client.connect().catch((error: unknown) => {
      throw asAppError(error)
    })
    return await use(session)
  } finally {
    await client.end().catch(() => {})
  }
}
