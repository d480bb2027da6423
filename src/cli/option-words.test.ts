import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { inOptions } from './option-words.ts'
import { errorText } from './report-error.ts'

const said = (error: unknown): string => {
  try {
    return inOptions({ servers: '--servers' })(error)
  } catch (thrown) {
    return errorText(thrown)
  }
}
const wrong = (message: string, ...fields: [string, string][]): AppError =>
  new AppError('invalid_argument', message, { fields: fields.map(([field, why]) => ({ field, message: why })) })

test('the option stands where the field stood; what has no option stays', () => {
  expect(said(wrong('servers: no server says', ['servers', 'no server says']))).toBe('--servers: no server says')
  expect(said(wrong('two are wrong', ['servers', 'is not host:port']))).toBe(
    'two are wrong\n  --servers: is not host:port',
  )
  expect(said(wrong('name is taken', ['name', 'is taken']))).toBe('name is taken')
  expect(said(new Error('x'))).toBe('x')
})
