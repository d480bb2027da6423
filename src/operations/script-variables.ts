/**
 * Changes of variables that a script or an action makes in somebody's name: with the rights that the account has now, and
 * never of a secret.
 */
import { may, type Person } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { changeVariable, deleteVariable, type HeldVariable } from '../events/variable-changes.ts'
import { placeOf, textOfValue, type VariableRow, type VariableScope } from '../events/variable-store.ts'
import { AppError } from '../lib/app-error.ts'
import { variableName } from '../job/event.ts'
import type { Deps } from './deps.ts'

export interface ScriptChange {
  name: string
  scope?: VariableScope | undefined
  /** To any JSON, by a number, by a text at its end. */
  change: { set: unknown } | { increment: number } | { append: string }
}

/** One statement's lock makes it atomic. `created`: there was none of that name. */
export async function changeVariableAs(
  tx: Queryable,
  { sealer }: Pick<Deps, 'sealer'>,
  owner: Person,
  { name, scope = 'user', change }: ScriptChange,
): Promise<{ value: unknown; version: string; created: boolean }> {
  mayChange(owner, scope, name)
  let value: unknown
  const at = { place: placeOf(scope, owner.userId), name, by: owner.username }
  const { version, created } = await changeVariable(tx, sealer, at, (before) => {
    if (before) notSecret(before)
    value = 'set' in change ? change.set : 'append' in change ? appended(before, change.append) : sum(before, change)
    return { value, secret: false, description: before?.description ?? null }
  })
  return { value, version, created }
}

/** Whether there was one. */
export async function deleteVariableAs(
  tx: Queryable,
  owner: Person,
  { name, scope = 'user' }: Pick<ScriptChange, 'name' | 'scope'>,
): Promise<boolean> {
  mayChange(owner, scope, name)
  return (await deleteVariable(tx, placeOf(scope, owner.userId), name, notSecret)) !== null
}

function mayChange(owner: Person, scope: VariableScope, name: string): void {
  if (!variableName.safeParse(name).success) {
    throw wrongName('letters, digits, _ . and - only, begins with a letter or _, at most 128')
  }
  if (scope === 'global' && !may(owner, 'variable.change_global')) {
    throw new AppError('permission_denied', `${owner.username} may not change global variables: only administrators do`)
  }
  if (!may(owner, 'variable.change', { ownerId: owner.userId })) {
    throw new AppError('permission_denied', `${owner.username} (${owner.role}) may not change variables`)
  }
}

function wrongName(message: string): AppError {
  return new AppError('invalid_argument', `name: ${message}`, { fields: [{ field: 'name', message }] })
}

function notSecret({ secret, name }: Pick<VariableRow, 'secret' | 'name'>): void {
  if (secret)
    throw new AppError(
      'permission_denied',
      `${name} is a secret: a script does not change it, "runyard secret set" does`,
    )
}

function appended(before: HeldVariable | null, text: string): string {
  if (before === null) return text
  if (typeof before.value !== 'object' || before.value === null) return textOfValue(before.value) + text
  const words = `${before.name} holds ${Array.isArray(before.value) ? 'a list' : 'an object'}, no text: set it first`
  throw new AppError('failed_precondition', words)
}

function sum(before: HeldVariable | null, { increment }: { increment: number }): number {
  const was = before === null ? 0 : numberIn(before)
  const now = was + increment
  const whole = Number.isInteger(was) && Number.isInteger(increment)
  if (Number.isFinite(now) && (!whole || Number.isSafeInteger(now))) return now
  throw new AppError('invalid_argument', 'the sum is too large for an exact number')
}

function numberIn({ name, value }: HeldVariable): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new AppError('failed_precondition', `${name} holds no number: set it first`)
}
