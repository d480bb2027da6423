/** The input of a tool's action: filled in, then read by the action's schema. */
import type { Queryable } from '../db/pool.ts'
import { fillTemplates } from '../expressions/evaluate.ts'
import { ExpressionProblem, type Names } from '../expressions/names.ts'
import type { MessageBody } from '../job/event.ts'
import type { ChannelSettings } from '../job/message.ts'
import type { ToolAction, ToolInput } from '../job/tools/index.ts'
import { receiverProblems } from '../job/tools/receivers.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Json } from '../lib/json.ts'
import { templateInput } from './message-templates.ts'

export interface InputToFill {
  body: MessageBody
  /** What its texts speak of. */
  names: Names
  /** `values`: the input came from a running script and is no template; only the stored template is one. */
  input: 'templates' | 'values'
}

export async function filledInput(
  tx: Queryable,
  { body, names, input: kind }: InputToFill,
  action: ToolAction,
  settings: ChannelSettings,
): Promise<ToolInput> {
  const stored = body.template === undefined ? {} : await templateInput(tx, body.template)
  if (stored === null) throw noTemplate(body)
  const given = body.input as Record<string, Json>
  const filled = await (
    kind === 'templates'
      ? fillTemplates({ ...stored, ...given }, names, { html: action.html })
      : fillTemplates(stored, { ...names, input: given }, { html: action.html }).then((from) => ({
          ...(from as object),
          // With a template, what the action does not take is there for the template alone.
          ...(body.template === undefined ? given : onlyKnown(action, given)),
        }))
  ).catch((error: unknown) => {
    throw error instanceof ExpressionProblem ? wrong([{ field: 'input', message: error.message }]) : error
  })
  const { value, problems } = readInput(action, asWanted(action, filled as Record<string, Json>))
  if (problems.length > 0) throw wrong(problems)
  if (settings.kind === 'email') {
    const refused = receiverProblems(settings, value as Parameters<typeof receiverProblems>[1])
    if (refused.length > 0) throw wrong(refused.map(inInput))
  }
  return value
}

/** A text that is a single `{{ … }}` became a number or null, where the action wants a text. */
function asWanted(action: ToolAction, input: Record<string, Json>): Record<string, Json> {
  const probe = action.input.safeParse(input)
  const texts = (probe.error?.issues ?? []).flatMap(({ path, ...issue }) =>
    issue.code === 'invalid_type' && issue.expected === 'string' && path.length === 1 ? [String(path[0])] : [],
  )
  const given = texts.filter((name) => Object.hasOwn(input, name))
  return { ...input, ...Object.fromEntries(given.map((name) => [name, textOf(input[name])])) }
}

const textOf = (value: Json | undefined): string => (value === null ? '' : JSON.stringify(value))

function onlyKnown(action: ToolAction, given: Record<string, Json>): Record<string, Json> {
  const probe = action.input.safeParse(given)
  const unknown = new Set(
    probe.success ? [] : probe.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])),
  )
  return Object.fromEntries(Object.entries(given).filter(([name]) => !unknown.has(name)))
}

/** As the action's schema has it; `problems` are at `input.…`. */
export function readInput(action: ToolAction, input: unknown): { value: ToolInput; problems: FieldProblem[] } {
  const parsed = action.input.safeParse(input)
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { value: {}, problems: problemsOf(parsed.error.issues as ZodIssue[]).map(inInput) }
}

const inInput = ({ field, message }: FieldProblem): FieldProblem => ({
  field: field === '' ? 'input' : `input.${field}`,
  message,
})

export const noTemplate = ({ template }: MessageBody): AppError =>
  wrong([{ field: 'template', message: `there is no message template ${template}` }])

export const wrong = (fields: FieldProblem[]): AppError =>
  new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}`, { fields })
