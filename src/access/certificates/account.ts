/** The account whose rights a person's certificate carries. */
import type { Queryable } from '../../db/pool.ts'
import { AppError } from '../../lib/app-error.ts'
import type { Role } from '../permissions.ts'
import { createUserWithoutPassword, findUser } from '../users.ts'

export interface Account {
  userId: string
  /** As the account spells it. */
  name: string
  created: boolean
}

/** The account of that name, made when there is none; refused when it has other rights than the certificate would say. */
export async function accountFor(
  tx: Queryable,
  input: { name: string; role: Role; maxRunning?: number },
): Promise<Account> {
  const made = await createUserWithoutPassword(tx, { ...input, username: input.name })
  if (made !== null) return { userId: made.id, name: made.username, created: true }
  const user = await findUser(tx, input.name)
  if (user === null) {
    const message = 'was that of an account that is deleted: take another'
    throw new AppError('conflict', `the name ${input.name} ${message}`, { fields: [{ field: 'name', message }] })
  }
  if (user.role !== input.role) {
    const message = `the account ${user.username} is ${user.role}, not ${input.role}: issue --role ${user.role}, or take another name`
    throw new AppError('conflict', message, { fields: [{ field: 'role', message: `is not that of the account` }] })
  }
  if (user.disabledAt !== null) {
    throw new AppError(
      'failed_precondition',
      `the account ${user.username} is disabled: enable it, or take another name`,
    )
  }
  return { userId: user.id, name: user.username, created: false }
}
