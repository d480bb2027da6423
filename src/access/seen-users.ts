import type { Queryable } from '../db/pool.ts'

/**
 * To the minute, and never waits: whoever has the row is changing the account, or notes the same. Written by the look
 * that lets somebody in, so who asks a thousand times in a minute costs one write.
 */
export async function noteSeen(db: Queryable, userIds: readonly string[]): Promise<void> {
  await db.query({
    name: 'note_seen',
    text: `update users set last_seen_at = now() where id in (
             select id from users where id = any($1::bigint[])
               and coalesce(last_seen_at < now() - interval '1 minute', true) for no key update skip locked)`,
    values: [userIds],
  })
}
