import type { KeyValue } from '../../../components/key-values.tsx'
import type { BatchInput } from '../../../lib/api.ts'

export type BatchBody = Omit<BatchInput, 'template'>
export type NotifyOn = NonNullable<NonNullable<BatchBody['notify']>[number]['on']>[number]

export interface Axis {
  name: string
  /** As typed, a chip each; `1..20` is all whole numbers from 1 to 20. */
  values: string[]
}

/** What stands in the form, as typed. */
export interface BatchForm {
  name: string
  description: string
  /** A fan of one command, or a list of commands. */
  kind: 'matrix' | 'list'
  /** The shell line of the matrix; `{{matrix.shard}}` is filled in. */
  line: string
  jobName: string
  axes: Axis[]
  /** A shell line on each line is a job. */
  lines: string
  queue: string
  timeout_seconds: string
  max_attempts: string
  env: KeyValue[]
  /** Where jobs write JUnit XML, a path or pattern on each line. */
  junit: string
  notify: { channel: string; on: NotifyOn[] }[]
}

export const emptyBatch: BatchForm = {
  name: '',
  description: '',
  kind: 'matrix',
  line: '',
  jobName: '',
  axes: [{ name: 'shard', values: ['1..4'] }],
  lines: '',
  queue: '',
  timeout_seconds: '',
  max_attempts: '',
  env: [],
  junit: '',
  notify: [],
}

/** Of a job that is given no other: what it runs, as far as a list shows it. */
const nameOf = (line: string) => line.trim().split('\n')[0]!.slice(0, 100) || undefined
const shell = (line: string) => ['bash', '-c', line]
const filledLines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** The form as a batch document. Only what was filled in is in it: the server's defaults hold for the rest. */
export function toBody(form: BatchForm): BatchBody {
  const env = Object.fromEntries(
    form.env.filter(({ key }) => key.trim() !== '').map(({ key, value }) => [key.trim(), value]),
  )
  const junit = filledLines(form.junit)
  const defaults = dropEmpty({
    queue: form.queue || undefined,
    timeout_seconds: number(form.timeout_seconds),
    max_attempts: number(form.max_attempts),
    env: Object.keys(env).length > 0 ? env : undefined,
    junit: junit.length > 0 ? junit : undefined,
  })
  const axes = form.axes.filter(({ name, values }) => name.trim() !== '' || values.length > 0)
  const jobs =
    form.kind === 'matrix'
      ? {
          matrix: Object.fromEntries(axes.map(({ name, values }) => [name.trim(), values.map(scalar)])),
          job: { name: form.jobName.trim() || nameOf(form.line), command: shell(form.line) },
        }
      : { jobs: filledLines(form.lines).map((line) => ({ name: nameOf(line), command: shell(line) })) }
  return dropEmpty({
    name: form.name.trim() || undefined,
    description: form.description.trim() || undefined,
    defaults: Object.keys(defaults).length > 0 ? defaults : undefined,
    ...jobs,
    notify: form.notify.length > 0 ? form.notify : undefined,
  })
}

/** What the form itself can say before asking the server: an empty line would become `bash -c ''`. */
export function missingParts(form: BatchForm): { field: string; message: string }[] {
  if (form.kind === 'list') {
    return filledLines(form.lines).length > 0
      ? []
      : [{ field: 'jobs', message: 'type what to run, a job on each line' }]
  }
  return form.line.trim() === '' ? [{ field: 'job.command', message: 'type what to run' }] : []
}

/** NaN is sent as null and refused by the server at its field, rather than left out in silence. */
const number = (text: string) => (text.trim() === '' ? undefined : Number(text))
/** As YAML reads it: what looks like a number or a truth value is one, as long as it is written the same again. */
const scalar = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true'
  const value = Number(text)
  return text !== '' && String(value) === text ? value : text
}

const dropEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T

type Loose = Record<string, unknown>
const record = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {}
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const shellLineOf = (job: unknown): string => text(list(record(job)['command'])[2])

/** A document as the form; null when it has something that the form does not show, and would lose. */
export function fromBody(body: unknown): BatchForm | null {
  const doc = record(body)
  const defaults = record(doc['defaults'])
  const job = record(doc['job'])
  const form: BatchForm = {
    name: text(doc['name']),
    description: text(doc['description']),
    kind: Array.isArray(doc['jobs']) ? 'list' : 'matrix',
    line: shellLineOf(job),
    jobName: text(job['name']) === nameOf(shellLineOf(job)) ? '' : text(job['name']),
    axes: Object.entries(record(doc['matrix'])).map(([name, values]) => ({ name, values: list(values).map(String) })),
    lines: list(doc['jobs']).map(shellLineOf).join('\n'),
    queue: text(defaults['queue']),
    timeout_seconds: text(defaults['timeout_seconds']),
    max_attempts: text(defaults['max_attempts']),
    env: Object.entries(record(defaults['env'])).map(([key, value]) => ({ key, value: text(value) })),
    junit: list(defaults['junit']).join('\n'),
    notify: list(doc['notify']).map((one) => ({
      channel: text(record(one)['channel']),
      on: (record(one)['on'] as NotifyOn[] | undefined) ?? ['ended'],
    })),
  }
  return same(toBody(form), withDefaultNotify(doc)) ? form : null
}

const withDefaultNotify = (doc: Loose): Loose =>
  Array.isArray(doc['notify'])
    ? { ...doc, notify: doc['notify'].map((one) => ({ on: ['ended'], ...record(one) })) }
    : doc

/** Order of fields does not matter, order in lists does. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
