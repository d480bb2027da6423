/** Rows Y1, Y2 and Y6 of the threat model over HTTP: names that lead elsewhere, definitions that were made to hurt. */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runningServer, type Person, type TestServer } from '../../../test/running-server.ts'
import { definitionOf, storePipeline } from '../../pipelines/testing/definitions.ts'

let server: TestServer
let anna: Person
let run: string
let job: string
beforeAll(async () => {
  server = await runningServer()
  anna = await server.person('operator', 'anna')
  await storePipeline(server.db, 'build', definitionOf())
  run = (await anna.client.calls.pipelines.start({ name: 'build' })).id
  job = (await anna.client.calls.pipelineRuns.tasks({ id: run })).tasks[0]!.job_id!
})
afterAll(() => server.close())

/** `fetch` would mend such paths before they are sent. */
function status(method: string, path: string): Promise<number> {
  const { hostname, port } = new URL(server.url)
  const headers = { authorization: `Bearer ${anna.token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: `/api/v1${path}`, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode!))
    })
    sent.on('error', reject)
    sent.end(method === 'POST' || method === 'PUT' ? '{}' : undefined)
  })
}

const counts = async () =>
  (
    await server.db.query(
      `select (select count(*) from pipelines) as pipelines, (select count(*) from pipeline_versions) as versions,
         (select count(*) from runs) as runs, (select count(*) from jobs) as jobs`,
    )
  ).rows[0]

const elsewhere = [
  ...[
    '..%2F..%2Fetc%2Fpasswd',
    '%2e%2e%2fsecrets',
    '..%252f..%252fetc',
    '%2Fetc%2Fpasswd',
    '..%5c..%5cetc',
    'a%00b',
    'a%2Fb',
  ],
  ...['-rf', '%0aid', '%ff%fe', '%', 'a'.repeat(200), '__proto__', 'constructor', encodeURIComponent('$(id)')],
]

test('Y2: in a path, what is no name of ours is not found or refused, and nothing is made', async () => {
  const before = await counts()
  for (const name of elsewhere) {
    for (const [method, path] of [
      ['GET', `/pipelines/${name}`],
      ['PUT', `/pipelines/${name}`],
      ['DELETE', `/pipelines/${name}`],
      ['GET', `/pipelines/${name}/versions`],
      ['GET', `/pipelines/${name}/versions/1`],
      ['POST', `/pipelines/build/versions/${name}/restore`],
      ['POST', `/pipelines/${name}/runs`],
      ['GET', `/pipeline-runs/${name}`],
      ['GET', `/pipeline-runs/${name}/tasks`],
      ['POST', `/pipeline-runs/${name}/cancel`],
      ['POST', `/pipeline-runs/${run}/tasks/${name}/cancel`],
      ['POST', `/pipeline-runs/${run}/tasks/${name}/decide`],
      ['DELETE', `/pipeline-runs/${name}`],
      ['GET', `/schedules/${name}`],
      ['GET', `/jobs/${job}/artifacts/${name}`],
      ['GET', `/jobs/${name}/artifacts/out`],
    ] as const) {
      expect([400, 403, 404, 405, 409, 422], `${method} ${path}`).toContain(await status(method, path))
    }
  }
  // Between slashes, as they are.
  for (const path of [
    '/pipelines/../users',
    '/pipelines/..%2Fusers/',
    `/jobs/${job}/artifacts/../../../secrets/secret.key`,
  ])
    expect([400, 404, 422], path).toContain(await status('GET', path))
  expect(await counts()).toEqual(before)
})

test('Y2: what stands in a query is text to look for, or refused', async () => {
  const queries = [
    ...[
      '/pipelines?search=',
      '/pipelines?cursor=',
      '/pipeline-runs?pipeline=',
      '/pipeline-runs?owner=',
      '/pipeline-runs?cursor=',
    ],
    ...[
      `/pipeline-runs/${run}/tasks?name=`,
      '/schedules?search=',
      '/schedules?owner=',
      '/schedules?pipeline=',
      '/schedules?cursor=',
    ],
    ...[
      '/jobs?name=',
      '/jobs?owner=',
      '/jobs/stats?owner=',
      '/job-batches?name=',
      '/job-batches?owner=',
      '/jobs?cursor=',
    ],
  ]
  for (const query of queries) {
    for (const value of ['..%2f..%2fetc', '%27%3B--', '%ff']) {
      expect([200, 422], `${query}${value}`).toContain(await status('GET', query + value))
    }
    expect([query, await status('GET', `${query}%00`)]).toEqual([query, 422])
  }
})

test('Y1, Y6: definitions that were made to hurt are refused in words, soon, and nothing is stored', async () => {
  const before = await counts()
  const laughs = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')
  const head = 'pipelines:\n  hurt:\n    tasks:\n'
  for (const [source, message] of [
    [`a0: &a0 [x]\n${laughs}\n${head}      t: {script: [a], for_each: *a12}`, /aliases stand for too much/],
    [`${head}      t: {script: [!!js/function "x"]}`, /no tags here/],
    [`${head}      t: ${'['.repeat(10_000)}`, /nested deeper/],
    [`${head}      a: {depends_on: [b]}\n      b: {depends_on: [a]}`, /wait for each other/],
    [`${head}      t: {pipeline: hurt}`, /would start itself for ever/],
    [`pipelines:\n  ../hurt:\n    tasks: {t: {}}`, /is no name of a pipeline/],
  ] as const) {
    const began = performance.now()
    const put = anna.client.calls.pipelines.put({ name: 'hurt', source })
    await expect(put).rejects.toMatchObject({ code: 'invalid_argument' })
    const { fields = [] } = (await put.catch((error: unknown) => error)) as { fields?: { message: string }[] }
    expect(fields.map((field) => field.message).join('\n')).toMatch(message)
    expect(performance.now() - began).toBeLessThan(5000)
  }
  expect(await counts()).toEqual(before)
})
