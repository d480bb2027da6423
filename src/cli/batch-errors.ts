/** What the server says of a batch, at the lines of the file that it came from. */
import { AppError, isAppError, type FieldProblem } from '../lib/app-error.ts'
import type { BatchFile } from './batch-file.ts'
import { plural } from './units.ts'

/** More than a screen of them is read by nobody. */
const mostLines = 20

/** For `.catch()`. */
export const atLines =
  (file: BatchFile | undefined, json: boolean) =>
  (error: unknown): never => {
    if (!isAppError(error) || error.code !== 'invalid_argument' || error.fields.length === 0) throw error
    throw problemsError(error.fields, file, json, error)
  }

/** The lines are for people, the fields for programs. */
export function problemsError(
  fields: FieldProblem[],
  file: BatchFile | undefined,
  json: boolean,
  cause?: unknown,
): AppError {
  const message = problemLines(fields, file).join('\n')
  return new AppError('invalid_argument', message, { fields: json ? fields : [], cause })
}

/** One line for each mistake; the same one in many jobs of a matrix is told once. */
export function problemLines(fields: readonly FieldProblem[], file: BatchFile | undefined): string[] {
  const lines = new Map<string, { text: string; more: number }>()
  for (const { field, message } of fields) {
    const place = file === undefined ? '' : `${file.placeOf(sourceOf(field, file))}: `
    const key = place + field.replace(/^matrix\[\d+\]/, 'matrix') + message.replace(/ \([^()]*\)$/, '')
    const seen = lines.get(key)
    if (seen === undefined) lines.set(key, { text: `${place}${field}: ${message}`, more: 0 })
    else seen.more += 1
  }
  const all = [...lines.values()].map(({ text, more }) =>
    more === 0 ? text : `${text} (and ${plural(more, 'job')} like it)`,
  )
  const untold = all.length - mostLines
  return untold <= 0 ? all : [...all.slice(0, mostLines), `and ${untold} more; --json has all of them`]
}

/** A job that the matrix made is written once, as `job`; or its field is a default. */
function sourceOf(field: string, { body }: BatchFile): string {
  const [, rest] = /^matrix\[\d+\]\.?(.*)$/s.exec(field) ?? []
  if (rest === undefined) return field
  const top = rest.split(/[.[]/)[0]!
  const job = body.job as Record<string, unknown> | undefined
  const defaults = body.defaults as Record<string, unknown> | undefined
  return `${job?.[top] === undefined && defaults?.[top] !== undefined ? 'defaults' : 'job'}.${rest}`
}
