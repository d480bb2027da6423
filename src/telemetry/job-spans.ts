/**
 * The trace of one job, made of its rows when it has ended: submit, then wait and attempt in turns, then finish. Ids are
 * made of the job's id, so whichever server tells it, and however often, it is the same trace. No name of a job, which may
 * be its command line, and nothing that a user wrote.
 */
import { createHash } from 'node:crypto'
import { parseTraceparent } from '../job/trace.ts'
import type { EndedAttempt, EndedJob } from '../queue/ended-jobs.ts'

export interface JobSpan {
  traceId: string
  spanId: string
  parent: { spanId: string; remote: boolean } | undefined
  name: string
  start: Date
  end: Date
  ok: boolean
  attributes: Record<string, string | number>
}

/** Empty when whoever submitted it said that the trace is not to be kept. */
export function spansOf(job: EndedJob): JobSpan[] {
  const { publicId, queue, state, trace, createdAt, endedAt, attempts } = job
  const parent = parseTraceparent(trace.parent)
  if (parent?.sampled === false) return []
  const traceId = parent?.traceId ?? idOf(publicId, 32)
  const root = idOf(`${publicId} job`, 16)
  const spans: JobSpan[] = []
  const add = (
    name: string,
    start: Date,
    end: Date,
    ok = true,
    attributes: JobSpan['attributes'] = {},
    nr = 0,
  ): void => {
    const times = { start, end: end < start ? start : end }
    const spanId = idOf(`${publicId} ${name} ${nr}`, 16)
    spans.push({ traceId, spanId, parent: { spanId: root, remote: false }, name, ...times, ok, attributes })
  }
  const received = new Date(Math.min(trace.received, createdAt.getTime()))
  const over = attempts.filter((attempt): attempt is EndedAttempt & { endedAt: Date } => attempt.endedAt !== null)
  add('submit', received, createdAt)
  let since = createdAt
  for (const attempt of over) {
    const { number: nr, runner, exitCode } = attempt
    add('wait', since, attempt.leasedAt, true, {}, nr)
    const attributes = {
      'runyard.attempt': nr,
      'runyard.runner': runner,
      'runyard.state': attempt.state,
      ...(exitCode !== null && { 'process.exit.code': exitCode }),
      ...(attempt.startedAt !== null && { 'runyard.started_at': attempt.startedAt.toISOString() }),
    }
    add('attempt', attempt.leasedAt, attempt.endedAt, attempt.state === 'succeeded', attributes, nr)
    since = attempt.endedAt
  }
  // From the end of the process to the moment when that was durable; or all of a wait that nothing came of.
  add(over.length > 0 ? 'finish' : 'wait', since, endedAt)
  const attributes = { 'runyard.job': publicId, 'runyard.queue': queue, 'runyard.state': state }
  spans.unshift({
    ...{ traceId, spanId: root, parent: parent && { spanId: parent.spanId, remote: true }, name: 'job', attributes },
    ...{ start: received, end: endedAt < received ? received : endedAt, ok: state === 'succeeded' },
  })
  return spans
}

const idOf = (of: string, digits: number): string =>
  createHash('sha256').update(`runyard ${of}`).digest('hex').slice(0, digits)
