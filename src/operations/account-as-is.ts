/** In whose name something runs by itself: with the rights that the account has now, not those that it had when it was made. */
import type { Principal } from '../access/authenticate.ts'
import { may, type Action, type Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'

export async function accountAsIs(
  tx: Queryable,
  userId: string,
  action: Action,
  verb: string,
): Promise<Principal | { refused: string }> {
  const { rows } = await tx.query<{ username: string; role: Role; disabled: boolean; deleted: boolean }>({
    name: 'account_as_is',
    text: `select username, role, disabled_at is not null as disabled, deleted_at is not null as deleted
      from users where id = $1`,
    values: [userId],
  })
  const { username, role, disabled, deleted } = rows[0]!
  if (deleted || disabled) return { refused: `the account ${username} is ${deleted ? 'deleted' : 'disabled'}` }
  const principal: Principal = { kind: 'user', userId, username, role }
  return may(principal, action) ? principal : { refused: `${username} (${role}) may not ${verb} any more` }
}
