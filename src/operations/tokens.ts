/** API tokens: everybody's own, and none that can do more or lasts longer than who asks for it. */
import { createApiToken, listApiTokens, revokeApiToken, type ApiTokenRow } from '../access/api-tokens.ts'
import { isWithin, may, tokenScopes, type TokenScope } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'

export interface CreateTokenInput {
  name: string
  expires_in_days?: number
  scopes?: TokenScope[]
}

export async function createToken(deps: Deps, anyAsk: Ask, input: CreateTokenInput) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'token.create' }, async (tx, note) => {
    const userId = own(ask, 'token.create')
    const scopes = scopesOf(ask, input.scopes)
    const days = input.expires_in_days
    const made = await createApiToken(tx, {
      ...{ userId, name: input.name, scopes, expiresInSeconds: days === undefined ? undefined : days * 86_400 },
      madeByTokenId: ask.principal.kind === 'token' ? ask.principal.tokenId : undefined,
    })
    const expires = made.expiresAt?.toISOString() ?? null
    note({ name: input.name, scopes: scopes ?? null, expires_at: expires }, `token:${made.id}`)
    return { ...showToken(made), token: made.token }
  })
}

/** In the order of the list, each once; those of the asking token when none are named. */
function scopesOf({ principal }: KnownAsk, wanted: readonly TokenScope[] | undefined): TokenScope[] | undefined {
  const granted = 'scopes' in principal ? principal.scopes : undefined
  const asked = wanted ?? granted
  if (asked === undefined) return undefined
  const beyond = granted === undefined ? [] : asked.filter((scope) => !isWithin(scope, granted))
  if (beyond.length > 0) {
    const message = `has ${beyond.join(', ')}, which the token that asks has not`
    throw new AppError('permission_denied', `scopes ${message}`, { fields: [{ field: 'scopes', message }] })
  }
  return tokenScopes.filter((scope) => asked.includes(scope))
}

export async function listTokens(deps: Deps, anyAsk: Ask) {
  return (await listApiTokens(deps.db, own(known(anyAsk), 'token.read'))).map(showToken)
}

export async function revokeToken(deps: Deps, anyAsk: Ask, id: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'token.revoke', target: `token:${id}` }, async (tx) => {
    if (!(await revokeApiToken(tx, { id, ownerId: own(ask, 'token.revoke') }))) throw notFound('token')
  })
  deps.forgetAccess()
}

function own(ask: KnownAsk, action: 'token.create' | 'token.read' | 'token.revoke'): string {
  const { userId } = ask.principal
  if (userId === null) throw new AppError('permission_denied', 'only people have tokens')
  if (!may(ask.principal, action)) throw refusal(ask, action, 'you may not do this with tokens')
  return userId
}

const showToken = (row: ApiTokenRow) => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  created_at: row.createdAt.toISOString(),
  expires_at: row.expiresAt?.toISOString() ?? null,
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
})
