/** What a caller is told when something goes wrong, and what is left of one who goes away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Code, ConnectError, type Client } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { secureServer, type SecureServer } from '../../../test/secure-server.ts'
import { until } from '../../../test/until.ts'
import { onFact, type Fact } from '../../lib/facts.ts'
import { BadRequestSchema } from './gen/google/rpc/error_details_pb.js'
import { JobService } from './gen/runyard/v1/job_service_pb.js'

let server: SecureServer
let jobs: Client<typeof JobService>
beforeAll(async () => {
  server = await secureServer()
  jobs = server.as(JobService, await server.issue('admin'))
})
afterAll(() => server.close())

const errorOf = async (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(() => Promise.reject(new Error('it was not refused')), ConnectError.from)

test('each wrong field is named, in words and as BadRequest', async () => {
  const error = await errorOf(jobs.start({ command: 'true', priority: 99, timeoutSeconds: -1 }))
  expect(error.code).toBe(Code.InvalidArgument)
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations)
  expect(violations.map(({ field }) => field).toSorted()).toEqual(['priority', 'timeout_seconds'])
  expect(error.rawMessage).toContain(violations[0]!.field)
})

test('a deadline and a cancellation end a call with their own codes, also that of a stream', async () => {
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  const read = async (options: object): Promise<void> => {
    for await (const _ of jobs.subscribeOutput({ jobId: id }, options));
  }
  expect((await errorOf(jobs.wait({ jobId: id }, { timeoutMs: 300 }))).code).toBe(Code.DeadlineExceeded)
  expect((await errorOf(read({ timeoutMs: 300 }))).code).toBe(Code.DeadlineExceeded)
  const leaving = new AbortController()
  const stream = errorOf(read({ signal: leaving.signal }))
  await sleep(100)
  leaving.abort()
  expect((await stream).code).toBe(Code.Canceled)
})

test('a client that goes in the middle of a stream is no defect: nothing is logged as an error', async () => {
  const printed = vi.spyOn(console, 'error')
  const facts: Fact[] = []
  onTestFinished(onFact((fact) => void (fact.level === 'error' && facts.push(fact))))
  onTestFinished(() => printed.mockRestore())
  const { id } = await server.client.calls.jobs.submit({ command: ['true'] })
  for (let i = 0; i < 10; i++) {
    const gone = server.as(JobService, await server.issue('viewer', 'goes'))
    const reading = (async () => {
      for await (const _ of gone.subscribeOutput({ jobId: id }));
    })()
    await gone.whoAmI({})
    gone.close()
    await expect(reading).rejects.toThrow()
  }
  expect((await until(() => jobs.whoAmI({}))).role).toBe('admin')
  await sleep(100)
  expect(facts).toEqual([])
  expect(printed).not.toHaveBeenCalled()
})
