/**
 * Variables and secrets. Those of an account are its owner's alone: an administrator does not read them. Global ones are
 * read by all who run events and changed by administrators. A secret's value is shown to nobody.
 */
import { may, type Person } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { findVariable, listVariables, type ShownVariableRow } from '../events/find-variables.ts'
import { changeVariable, deleteVariable, type HeldVariable, type VariableContent } from '../events/variable-changes.ts'
import { openValue, placeOf, textOfValue, type VariableScope } from '../events/variable-store.ts'
import { shortestSecret } from '../logs/secret-forms.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { onlyAdmin } from './people-changes.ts'

/** Of a list, from the beginning of each value. */
const shownCharacters = 200

export interface ListVariablesInput {
  limit: number
  cursor?: string | undefined
  scope?: VariableScope | undefined
  secret?: boolean | undefined
  search?: string | undefined
}
export interface VariableKey {
  scope: VariableScope
  name: string
}
export interface PutVariableInput extends VariableKey {
  value?: string | undefined
  secret?: boolean | undefined
  description?: string | null | undefined
  expect_version?: string | undefined
}

/** A token that was made for variables alone is told no names of events. */
function show(row: ShownVariableRow, { sealer }: Deps, reader: Person) {
  return {
    name: row.name,
    scope: row.scope,
    owner: row.owner,
    secret: row.secret,
    description: row.description,
    value: row.secret ? null : textOfValue(openValue(row, sealer)),
    bytes: row.bytes,
    version: row.version,
    updated_by: row.updatedBy,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    last_read_at: row.lastReadAt?.toISOString() ?? null,
    used_by: may(reader, 'event.read') ? row.usedBy : [],
  }
}
export type ShownVariable = ReturnType<typeof show>

function reader(anyAsk: Ask): Person {
  const ask = known(anyAsk)
  const { principal } = ask
  if (principal.userId === null || !may(principal, 'variable.read', { ownerId: principal.userId })) {
    throw refusal(ask, 'variable.read', 'your role sees no variables')
  }
  return principal
}

export async function listVariablesFor(deps: Deps, ask: Ask, input: ListVariablesInput) {
  const who = reader(ask)
  const { limit, cursor, ...filter } = input
  const after = cursor === undefined ? null : placeIn(cursor)
  const rows = await listVariables(deps.db, { ownerId: who.userId, ...filter }, { after, limit: limit + 1 })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1)! : null
  return {
    variables: shown.map((row) => {
      const one = show(row, deps, who)
      return { ...one, value: one.value?.slice(0, shownCharacters).toWellFormed() ?? null }
    }),
    next_cursor: last && `${last.scope}:${last.name}`,
  }
}

function placeIn(cursor: string): VariableKey {
  const [, scope, name] = /^(user|global):([\w.-]{1,128})$/.exec(cursor) ?? []
  if (name !== undefined) return { scope: scope as VariableScope, name }
  const message = 'must be the next_cursor of an earlier answer'
  throw new AppError('invalid_argument', `cursor ${message}`, { fields: [{ field: 'cursor', message }] })
}

export async function getVariable(deps: Deps, ask: Ask, { scope, name }: VariableKey): Promise<ShownVariable> {
  const who = reader(ask)
  const { userId } = who
  const row = await findVariable(deps.db, placeOf(scope, userId), name, userId)
  if (row === null) throw notFound('variable')
  return show(row, deps, who)
}

const act = (verb: string, { principal }: KnownAsk, { scope, name }: VariableKey) => ({
  action: `variable.${verb}`,
  target: `variable:${scope === 'global' ? 'global' : principal.username}/${name}`,
})

function changer(ask: KnownAsk, scope: VariableScope): Person {
  if (scope === 'global') onlyAdmin(ask, 'variable.change_global')
  const { principal } = ask
  if (principal.userId === null || !may(principal, 'variable.change', { ownerId: principal.userId })) {
    throw refusal(ask, 'variable.change', 'your role changes no variables')
  }
  return principal
}

export async function putVariable(deps: Deps, anyAsk: Ask, input: PutVariableInput): Promise<ShownVariable> {
  const ask = known(anyAsk)
  const { scope, name, expect_version: expected } = input
  return audited(deps, ask, act('put', ask, input), async (tx, note) => {
    const who = changer(ask, scope)
    const { userId, username: by } = who
    const place = placeOf(scope, userId)
    const { secret, version, bytes, created } = await changeVariable(tx, deps.sealer, { place, name, by }, (before) => {
      checkVersion(before, expected)
      return contentOf(before, input)
    })
    note({ created, secret, version, ...(input.value !== undefined && { bytes }) })
    return show((await findVariable(tx, place, name, userId))!, deps, who)
  })
}

function checkVersion(before: HeldVariable | null, expected: string | undefined): void {
  const version = before?.version ?? '0'
  if (expected === undefined || BigInt(expected) === BigInt(version)) return
  const is = before === null ? 'there is none' : `it is at version ${version}, changed by ${before.updatedBy}`
  throw wrongField('expect_version', `has changed since: ${is}`, 'conflict')
}

function contentOf(before: HeldVariable | null, { name, ...given }: PutVariableInput): VariableContent {
  const secret = given.secret ?? before?.secret ?? false
  if (given.value === undefined && before === null) {
    throw wrongField('value', `there is no variable ${name} yet: a new one needs a value`)
  }
  if (given.value === undefined && before?.secret && !secret) {
    throw wrongField('value', 'what was secret is not shown: give a new value with secret: false')
  }
  const value = given.value ?? before?.value
  if (secret && Buffer.byteLength(textOfValue(value)) < shortestSecret) {
    throw wrongField('value', `a secret has at least ${shortestSecret} bytes: a shorter one cannot be masked in logs`)
  }
  const description = given.description === undefined ? (before?.description ?? null) : given.description
  return { value, secret, description }
}

export async function deleteVariableBy(deps: Deps, anyAsk: Ask, key: VariableKey): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, act('delete', ask, key), async (tx, note) => {
    const { userId } = changer(ask, key.scope)
    const row = await deleteVariable(tx, placeOf(key.scope, userId), key.name)
    if (row === null) throw notFound('variable')
    note({ secret: row.secret, version: row.version })
  })
}

function wrongField(field: string, message: string, code: AppError['code'] = 'invalid_argument'): AppError {
  return new AppError(code, `${field}: ${message}`, { fields: [{ field, message }] })
}
