import { createProcedureClient, os } from '@orpc/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from '../lib/app-error.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { fieldPath, toHttpProblem } from './errors.ts'

const bulk = createProcedureClient(os.input(z.strictObject({ jobs: z.array(jobSpecSchema) })).handler(() => 'taken'))

/** field → message of the problem that this input makes. */
async function problemsOf(jobs: unknown[]): Promise<Record<string, string>> {
  try {
    await bulk({ jobs } as never)
  } catch (error) {
    const problem = toHttpProblem(error, 'r1')
    expect(problem.status).toBe(422)
    return Object.fromEntries(problem.body.errors.map((e) => [e.field, e.message]))
  }
  return {}
}

test('every wrong field is named at once, with its path as it was sent', async () => {
  const ok = { command: ['true'] }
  const problems = await problemsOf([
    ok,
    { ...ok, limits: { memory_bytes: -1, colour: 1 }, uid: 0 },
    { command: [] },
    { ...ok, env: { '1bad': 'x', RUNYARD_X: 'y' }, priority: 11 },
    { ...ok, binds: [{ path: 'relative', mode: 'ro' }], not_before: '2026-01-01T00:00:00Z', delay_seconds: 1 },
  ])
  expect(Object.keys(problems).toSorted()).toEqual([
    'jobs[1].limits.colour',
    'jobs[1].limits.memory_bytes',
    'jobs[1].uid',
    'jobs[2].command',
    'jobs[3].env.1bad',
    'jobs[3].env.RUNYARD_X',
    'jobs[3].priority',
    'jobs[4].binds[0].path',
    'jobs[4].delay_seconds',
  ])
  expect(problems['jobs[1].uid']).toBe('is not a known field')
  expect(problems['jobs[1].limits.memory_bytes']).toMatch(/at least 4 MiB/)
  expect(problems['jobs[3].env.RUNYARD_X']).toMatch(/reserved/)
})

test('a defect shows nothing of itself', () => {
  for (const error of [new Error('secret connection string'), new AppError('internal', 'inner words')]) {
    const problem = toHttpProblem(error, 'r2')
    expect(problem).toMatchObject({ status: 500, unexpected: true })
    expect(JSON.stringify(problem.body)).not.toMatch(/secret|inner|at /)
    expect(problem.body.request_id).toBe('r2')
  }
})

test('what to do next is in the headers', () => {
  expect(toHttpProblem(new AppError('unavailable', 'away'), 'r').headers).toEqual({ 'retry-after': '2' })
  const throttled = new AppError('resource_exhausted', 'slow down', { retryAfterSeconds: 7.2 })
  expect(toHttpProblem(throttled, 'r')).toMatchObject({ status: 429, headers: { 'retry-after': '8' } })
  expect(toHttpProblem(new AppError('unauthenticated', 'who'), 'r').headers['www-authenticate']).toMatch(/^Bearer/)
})

test('field paths read like the request', () => {
  expect(fieldPath(['jobs', 3, 'limits', 'memory_bytes'])).toBe('jobs[3].limits.memory_bytes')
  expect(fieldPath([])).toBe('')
})
