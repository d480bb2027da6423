/**
 * OpenTelemetry traces of jobs, sent when they have ended (OTLP over HTTP). Off unless an endpoint is set, and the
 * exporter is loaded only then. One of all servers sends: the one that does the upkeep. What cannot be sent is dropped
 * with a line in the log; a collector that is away slows nothing down.
 */
import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api'
import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Db } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { endedJobs } from '../queue/ended-jobs.ts'
import { spansOf, type JobSpan } from './job-spans.ts'

export interface TraceOptions {
  /** Of the collector, e.g. `http://127.0.0.1:4318`; its path for traces is added. */
  endpoint: string
  /** `k=v,k2=v2`, as OpenTelemetry writes them. */
  headers: string | undefined
  version: string
}

export interface Traces {
  /** Public ids of jobs that may have ended. */
  changed(ids: readonly string[]): void
  /** Sends what there is. */
  stop(): Promise<void>
}

/** Changes of this long are one look at the database and one request. */
const gatherMs = 500
/** Of one look: 1,000 jobs are some 5,000 spans. */
const mostAtOnce = 1_000
/** Jobs that have not been looked at; beyond, the newest are dropped. */
const mostWaiting = 100_000
/** A job changes after its end too (its log is sealed); its trace is not sent again for that. */
const mostRemembered = 20_000

export async function createTraces(db: Db, { endpoint, headers, version }: TraceOptions): Promise<Traces> {
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    const fix = 'must be an address like http://127.0.0.1:4318'
    throw new AppError('failed_precondition', `OTEL_EXPORTER_OTLP_ENDPOINT ${fix}`)
  }
  const { OTLPTraceExporter: Exporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const exporter = new Exporter({ url, headers: headersOf(headers), timeoutMillis: 10_000 })
  const waiting = new Set<string>()
  const sent = new Set<string>()
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function sendWaiting(): Promise<void> {
    while (waiting.size > 0) {
      const ids = [...waiting].slice(0, mostAtOnce)
      for (const id of ids) waiting.delete(id)
      try {
        const jobs = (await endedJobs(db, ids)).filter((job) => !sent.has(job.publicId))
        for (const job of jobs) remember(sent, job.publicId)
        const spans = jobs.flatMap(spansOf)
        if (spans.length > 0)
          await send(
            exporter,
            spans.map((span) => readable(span, version)),
          )
      } catch (error) {
        emitFact({ name: 'traces.not_sent', level: 'warn', jobs: ids.length, error: String(error) })
      }
    }
  }
  const sendSoon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      sending = (sending ?? Promise.resolve()).then(sendWaiting)
    }, gatherMs)
  }

  return {
    changed(ids) {
      for (const id of ids) if (waiting.size < mostWaiting && !sent.has(id)) waiting.add(id)
      if (waiting.size > 0) sendSoon()
    },
    async stop() {
      clearTimeout(timer)
      await sending
      await sendWaiting()
      await exporter.shutdown()
    },
  }
}

function remember(sent: Set<string>, id: string): void {
  sent.add(id)
  if (sent.size <= mostRemembered) return
  for (const oldest of sent) {
    sent.delete(oldest)
    break
  }
}

const send = (exporter: OTLPTraceExporter, spans: ReadableSpan[]): Promise<void> =>
  new Promise((resolve, reject) => {
    exporter.export(spans, ({ error, code }) => (code === 0 ? resolve() : reject(error ?? new Error('refused'))))
  })

const headersOf = (text = ''): Record<string, string> =>
  Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 ? [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]] : []
    }),
  )

function readable(span: JobSpan, version: string): ReadableSpan {
  const { traceId, parent, start, end } = span
  const context = (spanId: string, isRemote = false): SpanContext => ({
    ...{ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote },
  })
  return {
    name: span.name,
    kind: parent?.remote === false ? SpanKind.INTERNAL : SpanKind.CONSUMER,
    spanContext: () => context(span.spanId),
    ...(parent && { parentSpanContext: context(parent.spanId, parent.remote) }),
    startTime: time(start.getTime()),
    endTime: time(end.getTime()),
    duration: time(end.getTime() - start.getTime()),
    status: { code: span.ok ? SpanStatusCode.OK : SpanStatusCode.ERROR },
    attributes: span.attributes,
    ...{ links: [], events: [], ended: true },
    resource: resourceOf(version),
    instrumentationScope: { name: 'runyard', version },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}

const time = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]

function resourceOf(version: string): ReadableSpan['resource'] {
  const attributes = { 'service.name': 'runyard', 'service.version': version }
  const resource: ReadableSpan['resource'] = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  }
  return resource
}
