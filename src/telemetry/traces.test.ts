import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { aJob, queueWorld } from '../../test/queue-world.ts'
import { runningServer } from '../../test/running-server.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import { promoteDue } from '../queue/promote-due.ts'
import { createTraces } from './traces.ts'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code: number }
  attributes: { key: string; value: Record<string, unknown> }[]
}

/** An OTLP/HTTP receiver. */
async function collector(status = 200) {
  const spans: Span[] = []
  const bodies: string[] = []
  const headers: (string | undefined)[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      expect([request.method, request.url, request.headers['content-type']]).toEqual([
        'POST',
        '/v1/traces',
        'application/json',
      ])
      bodies.push(body)
      headers.push(request.headers['x-team'] as string | undefined)
      const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }
      spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)))
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { spans, bodies, headers, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const seconds = ({ startTimeUnixNano: start, endTimeUnixNano: end }: Span): number =>
  Number(BigInt(end) - BigInt(start)) / 1e9

test('a job of two attempts is one trace, with its waits and its submitter as the parent', async () => {
  const world = await queueWorld()
  const { spans, bodies, headers, endpoint } = await collector()
  const traces = await createTraces(world.db, { endpoint: `${endpoint}/`, headers: 'x-team=build%20er', version: '1' })
  const job = aJob({ command: ['deploy', '--token=hush'], max_attempts: 2, retry: { backoff_seconds: 0 } })
  job.spec.trace = { parent, received: Date.now() }
  const [id] = await world.submit(job)
  const runner = await world.runner({ name: 'build7' })
  for (const [exit_code, state] of [
    [3, 'failed'],
    [0, 'succeeded'],
  ] as const) {
    const claimed = await vi.waitUntil(async () => (await runner.claim())[0] ?? (await promoteDue(world.db), undefined))
    await runner.started(claimed)
    await runner.finish(claimed, { state, exit_code })
  }
  traces.changed([id!])
  await traces.stop()

  expect(spans.map((span) => span.name)).toEqual(['job', 'submit', 'wait', 'attempt', 'wait', 'attempt', 'finish'])
  const [root, ...children] = spans
  expect(root).toMatchObject({ parentSpanId: '00f067aa0ba902b7', status: { code: 1 } })
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set(['4bf92f3577b34da6a3ce929d0e0e4736']))
  expect(new Set(children.map((span) => span.parentSpanId))).toEqual(new Set([root!.spanId]))
  expect(new Set(spans.map((span) => span.spanId)).size).toBe(7)
  const attributes = spans[3]!.attributes.map(({ key, value }) => [key, Object.values(value)[0]])
  expect(Object.fromEntries(attributes)).toMatchObject({
    'runyard.attempt': 1,
    'runyard.runner': 'build7',
    'runyard.state': 'failed',
    'process.exit.code': 3,
  })
  expect([spans[3]!.status.code, spans[5]!.status.code]).toEqual([2, 1])
  for (let i = 2; i < 7; i++) expect(spans[i]!.startTimeUnixNano).toBe(spans[i - 1]!.endTimeUnixNano)
  expect(headers).toEqual(['build er'])
  expect(bodies.join()).not.toMatch(/hush|deploy/)
})

test('once only, nothing that was not asked for, and none where the submitter keeps none', async () => {
  const world = await queueWorld()
  const { spans, endpoint } = await collector()
  const traces = await createTraces(world.db, { endpoint, headers: undefined, version: '1' })
  const [traced, unsampled, plain] = [aJob(), aJob(), aJob()]
  traced!.spec.trace = { received: Date.now() }
  unsampled!.spec.trace = { parent: parent.replace(/01$/, '00'), received: Date.now() }
  const ids = await world.submit(traced!, unsampled!, plain!)
  const runner = await world.runner()
  traces.changed(ids)
  const jobs = await runner.claim()
  await runner.finishAll(jobs)
  traces.changed(ids)
  await vi.waitUntil(() => spans.length > 0)
  traces.changed(ids)
  await traces.stop()
  expect(spans.filter((span) => span.name === 'job')).toHaveLength(1)
})

test('the whole way: the header of a request is the parent of what it submitted', async () => {
  const { spans, endpoint } = await collector()
  const server = await runningServer({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  try {
    const response = await server.fetch('/jobs', {
      method: 'POST',
      body: JSON.stringify({ command: ['true'] }),
      headers: { 'content-type': 'application/json', traceparent: parent },
    })
    const shown = (await response.json()) as { id: string; trace?: unknown }
    expect(response.status).toBe(202)
    expect(shown.trace).toBeUndefined()
    await server.client.calls.jobs.cancel({ id: shown.id })
    await vi.waitUntil(() => spans.length >= 3, { timeout: 10_000 })
    expect(spans.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([
      ['job', '00f067aa0ba902b7'],
      ['submit', spans[0]!.spanId],
      ['wait', spans[0]!.spanId],
    ])
    expect(spans[0]!.status.code).toBe(2)
    expect(seconds(spans[0]!)).toBeLessThan(20)
  } finally {
    await server.close()
  }
})

test('what the collector refuses is a line in the log; what is no address is refused', async () => {
  const world = await queueWorld()
  const { endpoint } = await collector(400)
  const facts: Fact[] = []
  onTestFinished(onFact((fact) => void (fact.name === 'traces.not_sent' && facts.push(fact))))
  const traces = await createTraces(world.db, { endpoint, headers: undefined, version: '1' })
  const job = aJob()
  job.spec.trace = { received: Date.now() }
  const ids = await world.submit(job)
  const runner = await world.runner()
  await runner.finishAll(await runner.claim())
  traces.changed(ids)
  await traces.stop()
  expect(facts).toMatchObject([{ level: 'warn', jobs: 1 }])
  await expect(createTraces(world.db, { endpoint: 'collector', headers: undefined, version: '1' })).rejects.toThrow(
    'OTEL_EXPORTER_OTLP_ENDPOINT must be an address',
  )
})
