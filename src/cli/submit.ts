/** Submits one job, safely repeated: a broken answer is asked for again with the same key. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api/client.ts'
import type { Job } from '../api/contract/index.ts'
import type { JobSpecInput } from '../job/spec.ts'
import { AppError, isAppError } from '../lib/app-error.ts'

export const emptyCommand = (name: string): AppError =>
  new AppError('invalid_argument', `name a command, e.g. runyard ${name} -- echo hello`)

export async function submit(client: ApiClient, spec: JobSpecInput, key: string = randomUUID()): Promise<Job> {
  return repeated(() => client.calls.jobs.submit(spec, { context: { idempotencyKey: key } }))
}

export async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call()
    } catch (error) {
      if (!isAppError(error) || error.code !== 'unavailable' || tries === 5) throw error
      await sleep((error.retryAfterSeconds ?? 1) * 1000)
    }
  }
}
