import { expect, test } from 'vitest'
import { AppError } from '../lib/app-error.ts'
import { bootError } from './db-errors.ts'
import { migrate } from './migrate.ts'
import { openDb } from './pool.ts'

test('a database that does not answer at boot is named, without its password', async () => {
  const url = 'postgres://anna:pass-canary@127.0.0.1:1/db'
  const db = openDb(url)
  const failure = await migrate(db).catch((error: unknown) => bootError(error, url))
  await db.end()
  expect(failure).toBeInstanceOf(AppError)
  const { message } = failure as AppError
  expect(message).toMatch(/PostgreSQL at 127\.0\.0\.1:1 does not answer \(ECONNREFUSED\).*DATABASE_URL/)
  expect(message).not.toContain('pass-canary')
})

test('a fault of the migration itself is left as it is', () => {
  const fault = new AppError('failed_precondition', 'the database is newer')
  expect(bootError(fault, 'postgres://127.0.0.1/db')).toBe(fault)
})
