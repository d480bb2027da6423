/** What a Start asks for, as the one job schema sees it; what is wrong with it, as the caller wrote it. */
import type { Limits as WireLimits, StartRequest } from './gen/runyard/v1/job_service_pb.js'
import { jobSpecSchema, type JobSpec } from '../../job/spec.ts'
import { fieldsRefused } from '../errors.ts'
import { onePerField, problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { jsonProblems } from '../rest/json-body.ts'
import { wrongField } from './job-calls.ts'

type Fields = Record<string, unknown>

export function checkedSpec(fields: Fields): JobSpec {
  const parsed = jobSpecSchema.safeParse(fields)
  if (parsed.success) return parsed.data
  throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
}

/** `command[2]` of a spec is the second of `args` here. */
export function argumentName(field: string): string {
  const place = /^command\[(\d+)\]$/.exec(field)?.[1]
  if (place === undefined) return field
  return place === '0' ? 'command' : `args[${Number(place) - 1}]`
}

/** The typed fields and those of `spec_json`, which share no name. */
export function fieldsOfStart(request: StartRequest): Fields {
  const typed = typedFields(request)
  const more = jsonFields(request.specJson)
  const twice = Object.keys(more).filter((name) => Object.hasOwn(typed, name))
  if (twice.length > 0) {
    const message = 'is given twice: here and in spec_json'
    throw fieldsRefused(twice.map((field) => ({ field, message })))
  }
  return { command: [''], ...more, ...typed }
}

/** Where the caller wrote what a field of the spec is about. */
export const startFieldName =
  (request: StartRequest) =>
  (field: string): string => {
    const root = /^[^.[]*/.exec(field)?.[0] ?? ''
    if (field === 'Idempotency-Key') return 'idempotency_key'
    const onlyInJson = namesIn(request.specJson).includes(root) && !Object.hasOwn(typedFields(request), root)
    return onlyInJson ? `spec_json.${field}` : argumentName(field)
  }

function namesIn(json: string): string[] {
  try {
    return Object.keys(JSON.parse(json) as object)
  } catch {
    return []
  }
}

/** Those that were set: what proto3 cannot tell from its default is not. */
function typedFields(request: StartRequest): Fields {
  const { command, args, timeoutSeconds, priority, maxAttempts } = request
  const given = {
    command: command === '' && args.length === 0 ? undefined : [command, ...args],
    name: textOf(request.name),
    env: mapOf(request.env),
    secret_env: mapOf(request.secretEnv),
    working_dir: textOf(request.workingDir),
    limits: request.limits && limitsOf(request.limits),
    timeout_seconds: timeoutSeconds,
    queue: textOf(request.queue),
    priority,
    max_attempts: maxAttempts,
    required_labels: mapOf(request.requiredLabels),
  }
  return withoutUndefined(given)
}

const limitsOf = (limits: WireLimits): Fields =>
  withoutUndefined({
    cpu: limits.cpu,
    memory_bytes: numberOf(limits.memoryBytes),
    pids: limits.pids,
    open_files: limits.openFiles,
    output_bytes: numberOf(limits.outputBytes),
    disk_bytes: numberOf(limits.diskBytes),
    io_bytes_per_second: numberOf(limits.ioBytesPerSecond),
  })

const textOf = (text: string): string | undefined => (text === '' ? undefined : text)
const mapOf = (map: Record<string, string>): Fields | undefined => (Object.keys(map).length === 0 ? undefined : map)
/** Beyond 2^53 it is no longer exact, and far beyond every limit that the schema lets through. */
const numberOf = (given: bigint | undefined): number | undefined => (given === undefined ? undefined : Number(given))
const withoutUndefined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

function jsonFields(text: string): Fields {
  if (text === '') return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrongField('spec_json', 'is not valid JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongField('spec_json', 'must be a JSON object')
  }
  const problems = jsonProblems(text, value)
  if (problems.length > 0) throw fieldsRefused(onePerField(problems))
  return value as Fields
}
