/** A refusal names what was typed, not the field that was sent for it. */
import { AppError, isAppError } from '../lib/app-error.ts'
import { errorText } from './report-error.ts'

/** For `.catch()`; `words`: what was typed, by field. */
export const inOptions =
  (words: Record<string, string>) =>
  (error: unknown): never => {
    if (!isAppError(error) || !error.fields.some(({ field }) => field in words)) throw error
    const fields = error.fields.map(({ field, message }) => ({ field: words[field] ?? field, message }))
    const message = errorText(error, ({ field, message: why }) => `${words[field] ?? field}: ${why}`)
    throw new AppError(error.code, message, { fields, cause: error })
  }
