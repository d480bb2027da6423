import type { KeyValue } from '../../../components/key-values.tsx'
import type { api } from '../../../lib/api.ts'
import type { JobPlace } from '../place/job-place.ts'

export type JobInput = Parameters<typeof api.jobs.submit>[0]

/** What stands in the form, as typed. */
export interface JobForm {
  mode: 'shell' | 'argv'
  line: string
  /** One argument a line. */
  argv: string
  name: string
  working_dir: string
  env: KeyValue[]
  secret_env: KeyValue[]
  queue: string
  priority: string
  /** By what and where it runs, as it is sent. */
  place: JobPlace
  timeout_seconds: string
  max_attempts: string
  /** Seconds before the second attempt, and how many times as long before each further one. */
  backoff_seconds: string
  backoff_factor: string
  delay_seconds: string
  /** As `datetime-local` has it: in the reader's own time zone. */
  start_at: string
  cpu: string
  memory_mib: string
  disk_mib: string
  output_mib: string
  pids: string
  open_files: string
  /** Of the runner. */
  labels: KeyValue[]
  avoid: KeyValue[]
  strategy: '' | 'spread' | 'pack'
  isolation: 'full' | 'none'
  stop_grace_seconds: string
  /** Of the job itself. */
  job_labels: KeyValue[]
  /** `SHARE` or `SHARE:path`, one a line. */
  inputs: string
  /** One path a line. */
  junit: string
}

export const emptyForm: JobForm = {
  mode: 'shell',
  line: '',
  argv: '',
  name: '',
  working_dir: '',
  env: [],
  secret_env: [],
  queue: 'default',
  priority: '5',
  place: { network: 'none' },
  timeout_seconds: '',
  max_attempts: '1',
  backoff_seconds: '',
  backoff_factor: '',
  delay_seconds: '',
  start_at: '',
  cpu: '',
  memory_mib: '',
  disk_mib: '',
  output_mib: '',
  pids: '',
  open_files: '',
  labels: [],
  avoid: [],
  strategy: '',
  isolation: 'full',
  stop_grace_seconds: '',
  job_labels: [],
  inputs: '',
  junit: '',
}

const mib = 1024 * 1024

/** The form as a job document. Only what was filled in is sent: the server's defaults hold for the rest. */
export function toJobInput(form: JobForm): JobInput {
  const limits = some({
    cpu: number(form.cpu),
    memory_bytes: scaled(form.memory_mib, mib),
    disk_bytes: scaled(form.disk_mib, mib),
    output_bytes: scaled(form.output_mib, mib),
    pids: number(form.pids),
    open_files: number(form.open_files),
  })
  return dropEmpty({
    command: form.mode === 'shell' ? ['bash', '-c', form.line] : form.argv.replace(/\n+$/, '').split('\n'),
    name: form.name.trim() || undefined,
    working_dir: form.working_dir.trim() || undefined,
    env: record(form.env),
    secret_env: record(form.secret_env),
    queue: form.queue,
    priority: number(form.priority),
    ...form.place,
    timeout_seconds: number(form.timeout_seconds),
    max_attempts: number(form.max_attempts),
    retry: some({ backoff_seconds: number(form.backoff_seconds), factor: number(form.backoff_factor) }),
    delay_seconds: number(form.delay_seconds),
    not_before: form.start_at === '' ? undefined : new Date(form.start_at).toISOString(),
    stop_grace_seconds: number(form.stop_grace_seconds),
    isolation: form.isolation === 'full' ? undefined : form.isolation,
    limits,
    required_labels: record(form.labels),
    placement: some({ strategy: form.strategy || undefined, avoid_labels: record(form.avoid) }),
    labels: record(form.job_labels),
    inputs: lines(form.inputs)?.map(readInput),
    junit: lines(form.junit),
  }) as JobInput
}

/** NaN is sent as null and refused by the server at its field, rather than left out in silence. */
const number = (text: string) => (text.trim() === '' ? undefined : Number(text))
const scaled = (text: string, factor: number) => {
  const value = number(text)
  return value === undefined ? undefined : Math.round(value * factor)
}

function record(rows: KeyValue[]): Record<string, string> | undefined {
  const filled = rows.filter((row) => row.key.trim() !== '' || row.value !== '')
  return filled.length === 0 ? undefined : Object.fromEntries(filled.map((row) => [row.key.trim(), row.value]))
}

function lines(text: string): string[] | undefined {
  const filled = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return filled.length === 0 ? undefined : filled
}

function readInput(line: string): { share: string; path?: string } {
  const colon = line.indexOf(':')
  return colon < 0 ? { share: line } : { share: line.slice(0, colon), path: line.slice(colon + 1) }
}

/** Undefined when nothing is in it. */
function some<T extends object>(value: T): T | undefined {
  const filled = dropEmpty(value)
  return Object.keys(filled).length > 0 ? filled : undefined
}

const dropEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T

/** What the form itself can say before asking the server: an empty command would become `bash -c ''`. */
export function missingField(form: JobForm): { field: string; message: string } | null {
  if ((form.mode === 'shell' ? form.line : form.argv).trim() !== '') return null
  return { field: 'command', message: 'Type what to run.' }
}

const places: [RegExp, string][] = [
  [/^command/, 'command'],
  [/^env(\.|\[|$)/, 'env'],
  [/^secret_env/, 'secret_env'],
  [/^required_labels/, 'labels'],
  [/^labels/, 'job_labels'],
  [/^placement\.avoid_labels/, 'avoid'],
  [/^placement\.strategy/, 'strategy'],
  [/^not_before/, 'start_at'],
  [/^retry\.backoff_seconds/, 'backoff_seconds'],
  [/^retry\.factor/, 'backoff_factor'],
  [/^inputs/, 'inputs'],
  [/^junit/, 'junit'],
  [/^limits\.memory_bytes/, 'memory_mib'],
  [/^limits\.disk_bytes/, 'disk_mib'],
  [/^limits\.output_bytes/, 'output_mib'],
  [/^limits\.(\w+)/, '$1'],
]

/** They keep the names of the wire, down to the entry of a list. */
const ofPlace = /^(executor|container|hosts|hosts_success|hosts_at_once|slurm|kubernetes|network|egress)([.[]|$)/

/** The server's field problems by the form's own fields; those without a place here are under `other`. */
export function errorsByField(problems: { field: string; message: string }[]): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const { field, message } of problems) {
    const rule = places.find(([pattern]) => pattern.test(field))
    const place = rule ? field.replace(new RegExp(`${rule[0].source}.*$`), rule[1]) : field
    const known = place in emptyForm || place === 'command' || ofPlace.test(field)
    const inner = /^(?:env|secret_env|(?:required_)?labels|placement\.avoid_labels)[.[]+([^\]]+)/.exec(field)?.[1]
    const listed = /^(?:inputs|junit)\[(\d+)\]/.exec(field)?.[1]
    const which = inner ?? (listed === undefined ? undefined : `Line ${Number(listed) + 1}`)
    const text = known ? (which ? `${which}: ${message}` : message) : `${field}: ${message}`
    const key = known ? place : 'other'
    errors[key] = errors[key] ? `${errors[key]}; ${text}` : text
  }
  return errors
}
