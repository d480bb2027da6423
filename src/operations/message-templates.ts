/** Texts of messages under a name: everybody's to use, their owner's and administrators' to change. */
import { may, scopeOf } from '../access/permissions.ts'
import { checkCondition, checkTemplates } from '../expressions/check.ts'
import { chargedTo, evaluateCondition, fillTemplates } from '../expressions/evaluate.ts'
import { ExpressionProblem, type Names } from '../expressions/names.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { Json } from '../lib/json.ts'
import * as rows from '../reactions/message-templates.ts'
import { wrong } from '../reactions/tool-input.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'

const show = (row: rows.TemplateRow) => ({
  ...{ name: row.name, owner: row.owner, description: row.description, input: row.input, sample: row.sample },
  used_by: row.usedBy,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

/** Which events are named among those that use one: those that one may see. */
function readerOf(anyAsk: Ask): rows.Namer {
  const ask = known(anyAsk)
  const { principal } = ask
  if (!may(principal, 'message_template.read')) {
    throw refusal(ask, 'message_template.read', 'you may not see message templates')
  }
  return { scope: scopeOf(principal, 'event.read'), userId: principal.userId }
}

export async function listMessageTemplates(deps: Deps, ask: Ask) {
  return { templates: (await rows.listTemplates(deps.db, null, readerOf(ask))).map(show) }
}

export async function getMessageTemplate(deps: Deps, ask: Ask, name: string) {
  const [row] = await rows.listTemplates(deps.db, name, readerOf(ask))
  if (row === undefined) throw notFound('message template')
  return show(row)
}

function mayChange(ask: KnownAsk, ownerId: string | null): string {
  const { principal } = ask
  const target = ownerId ?? principal.userId
  if (principal.userId !== null && target !== null && may(principal, 'message_template.change', { ownerId: target })) {
    return principal.userId
  }
  const words =
    ownerId === null || principal.role === 'viewer'
      ? `your role (${principal.role}) may not change message templates`
      : 'only its owner and administrators change it; choose another name'
  throw refusal(ask, 'message_template.change', words)
}

const mostBytes = 64 * 1024

export async function putMessageTemplate(deps: Deps, anyAsk: Ask, put: rows.PutTemplate) {
  const ask = known(anyAsk)
  const target = `message_template:${put.name}`
  await audited(deps, ask, { action: 'message_template.put', target }, async (tx, note) => {
    const before = await rows.templateOwner(tx, put.name)
    const userId = mayChange(ask, before)
    const problems = problemsOf(put.input)
    if (problems.length > 0) throw wrong(problems)
    await rows.putTemplate(tx, before ?? userId, put)
    note({ created: before === null, fields: Object.keys(put.input) })
  })
  return getMessageTemplate(deps, ask, put.name)
}

function problemsOf(input: Record<string, Json>): FieldProblem[] {
  if (Buffer.byteLength(JSON.stringify(input)) > mostBytes) {
    return [{ field: 'input', message: `at most ${mostBytes} bytes as JSON` }]
  }
  return checkTemplates(input, 'input')
}

export async function deleteMessageTemplate(deps: Deps, anyAsk: Ask, name: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'message_template.delete', target: `message_template:${name}` }, async (tx) => {
    const owner = await rows.templateOwner(tx, name)
    if (owner === null) throw notFound('message template')
    mayChange(ask, owner)
    await rows.deleteTemplate(tx, name)
  })
}

/** What actions see when nobody says otherwise. */
const example: Names = {
  outcome: {
    ...{ state: 'succeeded', success: true, exit_code: 0, signal: null, error_class: null, message: null },
    ...{ duration_seconds: 12.5, attempts: 1 },
  },
  output: { files: 3 },
  condition: true,
  input: null,
  event: { id: 'x1y2z3x1y2z3', name: 'nightly backup', run_id: 'a1b2c3a1b2c3', version: 4 },
  vars: {},
  iteration: 0,
}

const withExample = (names: Names): Names => ({ ...example, ...names })

const accountOf = (ask: Ask): string => known(ask).principal.userId ?? '0'

/** `input` is null when it cannot be filled in. */
export async function previewMessageTemplate(
  _deps: Deps,
  ask: Ask,
  { input, names }: { input: Record<string, Json>; names: Names },
): Promise<{ input: Record<string, Json> | null; problems: FieldProblem[] }> {
  readerOf(ask)
  const problems = problemsOf(input)
  if (problems.length > 0) return { input: null, problems }
  try {
    const filled = await chargedTo(accountOf(ask), () => fillTemplates(input, withExample(names), { html: ['html'] }))
    return { input: filled as Record<string, Json>, problems: [] }
  } catch (error) {
    if (error instanceof ExpressionProblem) {
      return { input: null, problems: [{ field: 'input', message: error.message }] }
    }
    throw error
  }
}

export async function tryCondition(
  _deps: Deps,
  ask: Ask,
  { condition, names }: { condition: string; names: Names },
): Promise<{ value: boolean | null; problem: string | null }> {
  const asker = known(ask)
  if (!may(asker.principal, 'event.read')) throw new AppError('permission_denied', 'you may not see events')
  const problem = checkCondition(condition)
  if (problem !== null) return { value: null, problem }
  try {
    const value = await chargedTo(accountOf(ask), () => evaluateCondition(condition, withExample(names)))
    return { value, problem: null }
  } catch (error) {
    if (error instanceof ExpressionProblem) return { value: null, problem: error.message }
    throw error
  }
}
