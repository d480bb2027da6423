/** What the end of a server means for runs of pipelines: nothing new, and each where it was asked to be. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../test/fake-runner.ts'
import { runningServer, type TestServer } from '../../test/running-server.ts'
import { until } from '../../test/until.ts'
import { definitionOf, storePipeline, type DefinitionParts } from '../pipelines/testing/definitions.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer()
})
afterAll(() => server.close())

test('wait: what runs ends, with what it waits for; what waits is cancelled; in a hurry nobody waits', async () => {
  const { calls } = server.client
  const store = (name: string, tasks: DefinitionParts['tasks']) =>
    storePipeline(server.db, name, definitionOf({ tasks }))
  await store('one', { t: {} })
  await store('outer', { inner: { pipeline: { name: 'one', variables: {} } } })
  await store('people', { ask: { approval: { message: null, timeout_ms: null, on_timeout: 'reject' } } })
  const start = async (name: string) => (await calls.pipelines.start({ name })).id
  const status = async (id: string) => (await calls.pipelineRuns.get({ id })).status
  const becomes = (id: string, wanted: string) => until(async () => (await status(id)) === wanted, `${id} ${wanted}`)
  const runner = await fakeRunner(server.runnerSocket)

  const running = await start('one')
  const outer = await start('outer')
  const child = await until(async () => {
    const { runs } = await calls.pipelineRuns.list({ pipeline: 'one', status: 'waiting' })
    return runs[0]?.id ?? false
  }, 'the run in the run')
  const waiting = await start('one')
  const people = await start('people')
  expect(await status(waiting)).toBe('waiting')

  const hurry = new AbortController()
  const stopping = server.endRuns('wait', hurry.signal)
  await becomes(waiting, 'cancelled')
  expect((await calls.pipelineRuns.get({ id: waiting })).last_error).toBe('the server is being stopped')
  const refused = { code: 'unavailable', message: expect.stringContaining('is being stopped and takes nothing new') }
  await expect(start('one')).rejects.toMatchObject(refused)
  await expect(calls.pipelineRuns.rerun({ id: waiting })).rejects.toMatchObject(refused)
  await expect(calls.jobs.submit({ command: ['true'] })).rejects.toMatchObject(refused)
  const answer = await server.fetch('/pipelines/one/runs', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])

  await runner.run('')
  await runner.run('')
  await becomes(outer, 'succeeded')
  expect([await status(running), await status(child), await status(people)]).toEqual([
    ...['succeeded', 'succeeded', 'running'],
  ])
  hurry.abort()
  await stopping
  expect(await status(people)).toBe('running')

  await server.endRuns('leave', new AbortController().signal)
  expect(await status(people)).toBe('running')
  await server.endRuns('cancel', new AbortController().signal)
  expect(await status(people)).toBe('cancelled')
})
