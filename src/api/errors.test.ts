import { createProcedureClient, os } from '@orpc/server'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { AppError } from '../lib/app-error.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { fieldPath, problemsOf as problemsOfIssues } from '../lib/issue-fields.ts'
import { toHttpProblem } from './errors.ts'

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
  expect(fieldPath(['labels', 'k'.repeat(61)])).toBe(`labels.${'k'.repeat(59)}…`)
})

test('a mistake is told in the words of people, once for each field', async () => {
  const [empty, wrong, more] = await Promise.all([
    problemsOf([{}]),
    problemsOf([
      {
        command: 'make',
        name: '',
        env: [],
        queue: 7,
        priority: 1.5,
        network: 'lan',
        not_before: 'soon',
        limits: { memory_bytes: 1e300, cpu: '1', pids: 0 },
        retry: { on: ['rain'] },
        depends_on: 'x',
      },
    ]),
    problemsOf([{ command: [] }]),
  ])
  expect(empty).toEqual({ 'jobs[0].command': 'is required, e.g. ["make", "all"]' })
  expect(more).toEqual({ 'jobs[0].command': 'must name a program, e.g. ["make", "all"]' })
  expect(wrong).toEqual({
    'jobs[0].command': 'must be a list of texts, e.g. ["make", "all"]',
    'jobs[0].name': 'must not be empty',
    'jobs[0].env': 'must be an object',
    'jobs[0].queue': 'must be text',
    'jobs[0].priority': 'must be a whole number',
    'jobs[0].network': 'must be one of "none", "host", "egress"',
    'jobs[0].not_before': 'must be a time with its zone, e.g. 2026-01-31T12:00:00Z',
    'jobs[0].limits.memory_bytes': 'must be at most 17592186044416',
    'jobs[0].limits.cpu': 'must be a number',
    'jobs[0].limits.pids': 'must be at least 1',
    'jobs[0].retry.on[0]': expect.stringMatching(/^must be one of "exit", "signal"/),
    'jobs[0].depends_on': 'must be a list of job ids',
  })
})

test('one mistake is one error', () => {
  const { error } = z.strictObject({ n: z.int().max(10) }).safeParse({ n: 1e300 })
  expect(error?.issues.length).toBe(2)
  expect(problemsOfIssues(error!.issues as never)).toEqual([{ field: 'n', message: 'must be at most 10' }])
})
