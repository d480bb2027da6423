/**
 * What a script without a way to the socket left in the file of its outputs, under names of ours: `runyard.output`,
 * `runyard.condition`, `runyard.variable.NAME`. What it said while it ran counts more.
 */
import type { Person, Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { addResult } from '../events/attempt-results.ts'
import { jsonType } from '../events/payload.ts'
import type { Outputs } from '../job/outputs.ts'
import { isAppError } from '../lib/app-error.ts'
import { noteAllDone, type Done } from './audited.ts'
import type { Deps } from './deps.ts'
import { changeVariableAs } from './script-variables.ts'

const variablePrefix = 'runyard.variable.'

/**
 * In the transaction that settles the run, hence once; `job`: the public id of one that has ended. What cannot be done
 * (a secret of that name, a value that is too long) is told in words and leaves the rest as it is.
 */
export async function applyFileResults(tx: Queryable, deps: Pick<Deps, 'sealer'>, job: string): Promise<string[]> {
  const { rows } = await tx.query<{
    jobKey: string
    number: number
    outputs: Outputs
    userId: string
    username: string
    role: Role
    gone: boolean
  }>({
    name: 'file_results',
    text: `select j.id as "jobKey", j.last_attempt as number, j.outputs, u.id as "userId", u.username, u.role,
        u.disabled_at is not null or u.deleted_at is not null as gone
      from jobs j join users u on u.id = j.owner_id where j.public_id = $1 and j.outputs is not null`,
    values: [job],
  })
  const [row] = rows
  if (row === undefined) return []
  const said = (name: string): string | undefined => (Object.hasOwn(row.outputs, name) ? row.outputs[name] : undefined)
  const notes: string[] = []
  const condition = conditionIn(said('runyard.condition'), notes)
  const output = said('runyard.output')
  if (condition !== null || output !== undefined) {
    await addResult(tx, row, { condition, output: output === undefined ? null : payloadOf(output) })
  }
  // In one order, so that two runs never wait for each other.
  const names = Object.keys(row.outputs).filter((name) => name.startsWith(variablePrefix))
  if (names.length > 0 && row.gone) return [...notes, `variables were not set: the account ${row.username} is gone`]
  const owner: Person = { kind: 'user', userId: row.userId, username: row.username, role: row.role }
  const done: Done[] = []
  for (const key of names.toSorted()) {
    const name = key.slice(variablePrefix.length)
    const why = await setFromFile(tx, deps, owner, name, row.outputs[key]!)
    if (why !== null) notes.push(`variable ${name} was not set: ${why}`)
    else {
      const act = { action: 'variable.put', target: `variable:${owner.username}/${name}` }
      done.push({ ask: { principal: owner }, act, detail: { job } })
    }
  }
  if (done.length > 0) await noteAllDone(tx, done)
  return notes
}

/** Why not; null: it is set. */
async function setFromFile(
  tx: Queryable,
  deps: Pick<Deps, 'sealer'>,
  owner: Person,
  name: string,
  text: string,
): Promise<string | null> {
  try {
    await changeVariableAs(tx, deps, owner, { name, change: { set: text } })
    return null
  } catch (error) {
    // Refused before anything was written: the transaction goes on.
    if (isAppError(error) && error.code !== 'unavailable' && error.code !== 'internal') return error.message
    throw error
  }
}

function conditionIn(text: string | undefined, notes: string[]): boolean | null {
  const word = text?.trim()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word !== undefined) notes.push('the condition was not set: it is true or false')
  return null
}

/** As an output over the socket that says no type. */
function payloadOf(text: string): { type: string; bytes: Buffer } {
  return { type: isJson(text) ? jsonType : 'text/plain; charset=utf-8', bytes: Buffer.from(text) }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
