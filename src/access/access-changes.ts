/** Told to every server when somebody's access changed: what they remember is void, and open sessions are looked at. */
import type { Queryable } from '../db/pool.ts'

export const accessChannel = 'runyard_access'

/** Sent when the transaction commits; several in one are one. */
export async function notifyAccess(tx: Queryable): Promise<void> {
  await tx.query(`select pg_notify('${accessChannel}', '')`)
}

/**
 * The same inside a statement that changes access, so that no caller can forget it or lose it on the way: two CTEs after
 * the one named `changed`. The statement has to read `told`, else it is left out.
 */
export const tellAccess = `
  first_changed as (select 1 from changed limit 1),
  told as materialized (select pg_notify('${accessChannel}', '') from first_changed)`
