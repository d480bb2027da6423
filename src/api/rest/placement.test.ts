/** Labels and placement on the REST face: written, shown, refused, found. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeRunner } from '../../../test/fake-runner.ts'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'

let server: TestServer
let anna: Person
let ben: Person
beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
  ben = await server.person('operator', 'ben')
})
afterAll(() => server.close())

const submit = (body: object, path = '/jobs') =>
  server.fetch(path, {
    method: 'POST',
    token: anna.token,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
// oxlint-disable-next-line no-explicit-any -- answers are compared, not typed
const json = (response: Response): Promise<any> => response.json()

const placement = {
  strategy: 'pack',
  avoid_labels: { kind: 'spot' },
  affinity: { labels: { app: 'db' }, required: true },
  anti_affinity: { labels: { app: 'web' }, required: false },
}

test('a job shows its labels, its placement and why it waits; run again it has the same', async () => {
  const { id } = await json(await submit({ command: ['true'], labels: { app: 'web', build: '7' }, placement }))
  const runner = await fakeRunner(server.runnerSocket)
  const job = await anna.client.calls.jobs.get({ id })
  expect(job).toMatchObject({ labels: { app: 'web', build: '7' }, placement })
  expect(job.waiting_reason).toEqual({
    code: 'affinity',
    text: 'placement.affinity asks for a running job of anna with app=db, and there is none',
  })
  expect(await runner.claim()).toEqual([])

  const partner = await anna.client.calls.jobs.submit({ command: ['true'], labels: { app: 'db' } })
  const first = await runner.claimOne()
  expect(first.jobId).toBe(partner.id)
  const second = await runner.claimOne()
  expect(second.jobId).toBe(id)
  for (const assignment of [first, second]) {
    await runner.started(assignment)
    await runner.finish(assignment, { state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  }
  const again = await anna.client.calls.jobs.rerun({ id })
  expect(again).toMatchObject({ labels: job.labels, placement, rerun_of: id })
  expect(again.waiting_reason?.code).toBe('affinity')
})

test.each<[object, string, RegExp]>([
  [{ placement: { near: {} } }, 'placement.near', /not a known field/],
  [{ placement: { strategy: 'random' } }, 'placement.strategy', /must be one of "spread", "pack"/],
  [{ placement: { affinity: { labels: {} } } }, 'placement.affinity.labels', /at least one label/],
  [
    { placement: { affinity: { labels: { 'a b': '1' } } } },
    'placement.affinity.labels',
    /is no label name: it has letters/,
  ],
  [
    { placement: { anti_affinity: { labels: { a: '1' }, required: 'yes' } } },
    'placement.anti_affinity.required',
    /true or false/,
  ],
  [{ labels: { a: 'b c' } }, 'labels.a', /has a value that no label can have/],
  [{ labels: 'a=b' }, 'labels', /must be an object/],
])('%j is refused at %s', async (fields, field, words) => {
  const response = await submit({ command: ['true'], ...fields })
  expect(response.status).toBe(422)
  const { errors } = await json(response)
  expect(errors).toHaveLength(1)
  expect(errors[0].field.startsWith(field)).toBe(true)
  expect(errors[0].message).toMatch(words)
})

test('in a list of jobs the place of the wrong one is named', async () => {
  const jobs = [{ command: ['true'] }, { command: ['true'], placement: { affinity: { labels: {} } } }]
  const { errors } = await json(await submit({ jobs }, '/jobs/bulk'))
  expect(errors).toEqual([{ field: 'jobs[1].placement.affinity.labels', message: 'must name at least one label' }])
})

test('lists find jobs by their labels: all that are given, and only one’s own', async () => {
  const made: string[] = []
  for (const labels of [{ team: 'a', n: '1' }, { team: 'a', n: '2' }, { team: 'b', n: '1' }, undefined])
    made.push((await anna.client.calls.jobs.submit({ command: ['true'], labels, queue: 'default' })).id)
  const found = async (query: string, token = anna.token) => {
    const response = await server.fetch(`/jobs?${query}`, { token })
    expect(response.status).toBe(200)
    return (await json(response)).jobs.map((job: { id: string }) => made.indexOf(job.id))
  }
  expect(await found('label=team=a')).toEqual([1, 0])
  expect(await found('label=team%3Da')).toEqual([1, 0])
  expect(await found('label=team=a&label=n=1')).toEqual([0])
  expect(await found('label=team=a,n=2')).toEqual([1])
  expect(await found('label=team=c')).toEqual([])
  expect(await found('label=team=a&state=failed')).toEqual([])
  expect(await found('label=team=a', ben.token)).toEqual([])
  expect((await anna.client.calls.jobs.list({ label: ['team=a', 'n=2'] })).jobs.map((job) => job.id)).toEqual([made[1]])
  for (const query of ['label=team', 'label==a', 'label=a=b=c', "label=a='"])
    expect([query, (await server.fetch(`/jobs?${query}`, { token: anna.token })).status]).toEqual([query, 422])
})

test('the OpenAPI document has them', async () => {
  const text = JSON.stringify(await json(await server.fetch('/openapi.json', { token: anna.token })))
  for (const word of ['avoid_labels', 'anti_affinity', '"label"', '"spread"']) expect(text).toContain(word)
})
