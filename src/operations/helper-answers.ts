/** What each helper does, in the transaction that holds its attempt. */
import { artifactNamed } from '../artifacts/artifact-rows.ts'
import type { Person } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { writeResult, type AttemptResult, type HeldAttempt } from '../events/attempt-results.ts'
import { aboutRun } from '../events/run-of-attempt.ts'
import type { VariableScope } from '../events/variable-store.ts'
import type { HelperMethod } from '../job/helper-protocol.ts'
import { AppError } from '../lib/app-error.ts'
import { over, ownerOf, type Asked } from './helper-asked.ts'
import type { HelperParams } from './helper-calls.ts'
import { sendHelperMessage } from './helper-message.ts'
import { namesFor, readVariable } from './helper-variables.ts'
import { changeVariableAs, deleteVariableAs, type ScriptChange } from './script-variables.ts'

type Answers = { [M in HelperMethod]: (asked: Asked, params: HelperParams<M>) => Promise<unknown> }

export const helperAnswers: Answers = {
  'event.get': ({ tx, held }) => aboutRun(tx, held),
  'condition.set': ({ tx, held }, { value }) => write(tx, held, { condition: value }),
  'output.set': async ({ tx, held }, output) => write(tx, held, await outputIn(tx, held, output)),
  'progress.set': ({ tx, held }, { percent, text }) => write(tx, held, { progress: percent, status_text: text }),
  'variable.get': ({ tx, deps, held }, { name }) => readVariable(tx, deps, held, name),
  'variable.list': async ({ tx, held }) => ({ names: await namesFor(tx, held) }),
  async 'variable.set'(asked, { name, value, scope }) {
    const { version } = await change(asked, { name, scope, change: { set: value } })
    return { version }
  },
  async 'variable.increment'(asked, { name, by, scope }) {
    const { value } = await change(asked, { name, scope, change: { increment: by } })
    return { value }
  },
  async 'variable.append'(asked, { name, text, scope }) {
    const { value } = await change(asked, { name, scope, change: { append: text } })
    return { value }
  },
  async 'variable.delete'(asked, { name, scope }) {
    const owner = ownerOf(asked.held)
    const existed = await deleteVariableAs(asked.tx, owner, { name, scope })
    if (existed) asked.note({ action: 'variable.delete', target: targetOf(owner, name, scope) }, {})
    return { existed }
  },
  'message.send': sendHelperMessage,
}

async function write(tx: Queryable, { ref }: HeldAttempt, result: AttemptResult): Promise<object> {
  if (!(await writeResult(tx, ref, result))) throw over()
  return {}
}

async function outputIn(
  tx: Queryable,
  { ref }: HeldAttempt,
  output: HelperParams<'output.set'>,
): Promise<AttemptResult> {
  const { type: output_type } = output
  if ('base64' in output) {
    const bytes = Buffer.from(output.base64, 'base64')
    return { output_type, output: bytes, output_artifact: null, output_bytes: bytes.length }
  }
  const row = await artifactNamed(tx, ref.jobKey, output.artifact, ref.number)
  if (row === null) {
    throw new AppError('failed_precondition', `this attempt has sent no artefact ${output.artifact}: send it first`)
  }
  return { output_type, output: null, output_artifact: row.id, output_bytes: row.bytes }
}

async function change(asked: Asked, scriptChange: ScriptChange) {
  const { tx, deps } = asked
  const owner = ownerOf(asked.held)
  const { name, scope } = scriptChange
  const done = await changeVariableAs(tx, deps, owner, scriptChange)
  asked.note({ action: 'variable.put', target: targetOf(owner, name, scope) }, { created: done.created })
  return done
}

const targetOf = ({ username }: Person, name: string, scope: VariableScope = 'user'): string =>
  `variable:${scope === 'global' ? 'global' : username}/${name}`
