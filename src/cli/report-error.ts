/** The one place that turns an error into words for the terminal. */
import { isAppError } from '../lib/app-error.ts'

export function errorText(error: unknown): string {
  if (!isAppError(error)) return error instanceof Error ? error.message : String(error)
  const told = error.fields.filter(({ message }) => !error.message.includes(message))
  return [error.message, ...told.map(({ field, message }) => `  ${field}: ${message}`)].join('\n')
}

export function reportError(error: unknown, how: { json: boolean }): void {
  if (how.json) {
    const known = isAppError(error)
    const problem = {
      code: known ? error.code : 'internal',
      message: errorText(error),
      errors: known ? error.fields : [],
    }
    process.stdout.write(`${JSON.stringify({ error: problem }, null, 2)}\n`)
    return
  }
  process.stderr.write(`runyard: ${errorText(error)}\n`)
  // A defect of ours: the trace is what a report needs.
  if (!isAppError(error) && error instanceof Error && process.env.DEBUG) process.stderr.write(`${error.stack}\n`)
}
