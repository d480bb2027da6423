/** The one place that turns an error into words for the terminal. */
import { isAppError, type FieldProblem } from '../lib/app-error.ts'

/** A wrong field of the request in the words of the command line, e.g. `--memory: at least 4 MiB`. */
export type SayField = (problem: FieldProblem) => string

const asItIs: SayField = ({ field, message }) => `${field}: ${message}`

export function errorText(error: unknown, sayField: SayField = asItIs): string {
  if (!isAppError(error)) return error instanceof Error ? error.message : String(error)
  const told = error.fields.filter(({ message }) => error.message.includes(message))
  // What people typed are flags: the message that names fields of the API gives way to them.
  if (sayField !== asItIs && told.length > 0) return error.fields.map(sayField).join('\n  ')
  const untold = error.fields.filter((problem) => !told.includes(problem))
  return [error.message, ...untold.map((problem) => `  ${sayField(problem)}`)].join('\n')
}

export function reportError(error: unknown, how: { json: boolean; sayField?: SayField | undefined }): void {
  const message = errorText(error, how.sayField)
  if (how.json) {
    const known = isAppError(error)
    const problem = { code: known ? error.code : 'internal', message, fields: known ? error.fields : [] }
    process.stderr.write(`${JSON.stringify({ error: problem })}\n`)
    return
  }
  process.stderr.write(`runyard: ${message}\n`)
  // A defect of ours: the trace is what a report needs.
  if (!isAppError(error) && error instanceof Error && process.env.DEBUG) process.stderr.write(`${error.stack}\n`)
}
