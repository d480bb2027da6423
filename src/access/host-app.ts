/**
 * An application that embeds Runyard as it would embed prunner: it reads the shared secret and mints short HS256 tokens
 * of its own. They name no account: all of them act as `host-app`, on pipelines only, with the role that the
 * administrator gave it. `sub` is a label on what they start.
 */
import { randomBytes } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import { parse, stringify } from 'yaml'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { keepSecretFile } from './key-files.ts'
import type { Person, Role, TokenScope } from './permissions.ts'
import { createUserWithoutPassword, findUser, changeRole } from './users.ts'

export const hostAppName = 'host-app'
/** prunner's own least length; ours are longer, and these hold on the compatibility routes only. */
const leastSecret = 16
const longestToken = 4096
/** Logs are read as jobs are; its listener has no route to any other job. */
const scopes: readonly TokenScope[] = ['pipelines:write', 'jobs:read']

export interface HostApp {
  secret: Uint8Array
  role: Role
  /** A token without `exp` is refused. */
  strict: boolean
}

/** The secret as configured, else of `.prunner.yml`, which is made at the first start. */
export async function hostAppSecret(from: { secret?: string | undefined; file: string }): Promise<Uint8Array> {
  const secret = from.secret ?? secretIn(await keepSecretFile(from.file, newFile), from.file)
  if (secret.length >= leastSecret) return Buffer.from(secret)
  const where = from.secret === undefined ? `jwt_secret in ${from.file}` : 'RUNYARD_PRUNNER_JWT_SECRET'
  throw new AppError('failed_precondition', `${where} must have ${leastSecret} characters or more`)
}

const newFile = (): string => stringify({ jwt_secret: randomBytes(16).toString('hex') }).trim()

function secretIn(text: string, file: string): string {
  let found: unknown
  try {
    found = (parse(text) as { jwt_secret?: unknown } | null)?.jwt_secret
  } catch (cause) {
    throw new AppError('failed_precondition', `${file} is not YAML; it has one line: jwt_secret: …`, { cause })
  }
  if (typeof found === 'string') return found
  throw new AppError('failed_precondition', `${file} has no jwt_secret (a text)`)
}

/** The account that owns what such tokens start. Nobody signs in with it. */
export async function ensureHostApp(db: Queryable, role: Role): Promise<void> {
  if (await createUserWithoutPassword(db, { username: hostAppName, role })) return
  const { rows } = await db.query<{ person: boolean }>(
    `select password_hash <> '!' as person from users where lower(username) = $1`,
    [hostAppName],
  )
  if (rows[0]?.person) {
    const why = `somebody signs in as ${hostAppName}, the account of applications with prunner's tokens`
    throw new AppError('failed_precondition', `${why}; unset RUNYARD_PRUNNER_ADDRESS: a name is not given twice`)
  }
  const user = await findUser(db, hostAppName)
  if (user !== null && user.role !== role) await changeRole(db, user.id, role)
}

export interface HostAppCaller {
  principal: Person
  /** `sub` */
  label: string | null
  /** Seconds since 1970; null: it never ends. */
  expires: number | null
}

/** Throws `unauthenticated`. */
export async function verifyHostAppToken(db: Queryable, app: HostApp, token: string): Promise<HostAppCaller> {
  if (token === '' || token.length > longestToken) throw refused()
  const { sub, exp } = await claimsOf(token, app)
  const { rows } = await db.query<{ id: string; role: Role }>({
    name: 'access_host_app',
    text: `select id, role from users where username = $1 and disabled_at is null and deleted_at is null`,
    values: [hostAppName],
  })
  const account = rows[0]
  if (!account) throw new AppError('unauthenticated', `the account ${hostAppName} is disabled`)
  const label = typeof sub === 'string' && sub !== '' ? sub.slice(0, 200) : null
  return {
    principal: { kind: 'token', userId: account.id, username: hostAppName, role: account.role, scopes },
    label,
    expires: exp ?? null,
  }
}

async function claimsOf(token: string, app: HostApp) {
  try {
    const { payload } = await jwtVerify(token, app.secret, {
      algorithms: ['HS256'],
      ...(app.strict && { requiredClaims: ['exp'] }),
    })
    return payload
  } catch (cause) {
    if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'exp') {
      throw new AppError('unauthenticated', 'the token has no `exp`, and this listener asks for one (--strict-jwt)')
    }
    if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'nbf') {
      throw new AppError('unauthenticated', 'the token is not valid yet (`nbf`): compare the clocks')
    }
    throw refused(cause)
  }
}

const refused = (cause?: unknown): AppError =>
  new AppError('unauthenticated', 'the token is missing, wrong or expired', { cause })

/** As an application mints them; for trying it out. */
export const mintHostAppToken = (
  secret: Uint8Array,
  { sub, seconds }: { sub: string; seconds: number },
): Promise<string> =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(secret)
