/** What a new installation needs before anybody can sign in, safe when several servers start at once. */
import { hkdfSync } from 'node:crypto'
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { audit } from './audit.ts'
import { generatePassword } from './passwords.ts'
import { systemPrincipal } from './permissions.ts'
import { createUser } from './users.ts'

/** One of our advisory locks; any constant that nobody else uses. */
const bootstrapLock = 7_281_001

export interface Bootstrapped {
  created: boolean
  username: string
  /** Only when it was generated just now: shown once, stored nowhere. */
  generatedPassword?: string
}

/** Creates the first administrator unless there is one. An existing account is never changed by configuration. */
export async function bootstrapAdmin(db: Db, input: { username: string; password?: string }): Promise<Bootstrapped> {
  return db.tx(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [bootstrapLock])
    const { rows } = await tx.query<{ username: string }>(
      `select username from users where role = 'admin' and deleted_at is null order by id limit 1`,
    )
    if (rows[0]) return { created: false, username: rows[0].username }
    const password = input.password ?? generatePassword()
    const user = await createUser(tx, { username: input.username, password, role: 'admin' })
    await audit(tx, { actor: systemPrincipal, action: 'user.create', target: `user:${user.username}`, result: 'done' })
    return {
      created: true,
      username: user.username,
      ...(input.password === undefined ? { generatedPassword: password } : {}),
    }
  })
}

export interface SigningServer {
  jwtSecret: Uint8Array
  /** Its own name among the servers: it does not stand in its own way. */
  server: string
  /** Unheard of for so long, a server counts as away. */
  awayAfterSeconds: number
}

/**
 * Servers of one database sign sessions with one secret: each would sign out the people of the others. A new one is
 * taken over when no other server is there. Asked twice, before and after a server says that it is there, so that of two
 * that start at once one sees the other.
 */
export async function claimJwtSecret(db: Db, { jwtSecret, server, awayAfterSeconds }: SigningServer): Promise<void> {
  const id = Buffer.from(hkdfSync('sha256', jwtSecret, '', 'runyard jwt key id', 8)).toString('hex')
  const { rows } = await db.query<{ others: string[] }>(
    `with others as (
       select name from servers where name <> $2 and last_seen_at > clock_timestamp() - make_interval(secs => $3)
     ), claimed as (
       update installation set jwt_key_id = $1
       where jwt_key_id is null or (jwt_key_id <> $1 and not exists (select 1 from others)) returning 1
     )
     select array(select name from others order by name) as others
     from installation where jwt_key_id <> $1 and not exists (select 1 from claimed)`,
    [id, server, awayAfterSeconds],
  )
  if (rows[0] === undefined) return
  throw new AppError(
    'failed_precondition',
    `this server signs sessions with another secret than ${rows[0].others.join(', ') || 'the others'}: give all the same ` +
      'RUNYARD_JWT_SECRET, or the first server’s file secrets/jwt.key. To change it on purpose, stop all servers, wait ' +
      `${awayAfterSeconds} s and start them with the new one`,
  )
}
