/** Values that more than one key has: environments, scripts, what a job gets. */
import type { z } from 'zod'
import type { JobSettings } from '../job/pipeline.ts'
import { pipelineLimits } from '../job/pipeline.ts'
import { jobSpecSchema, specLimits } from '../job/spec.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { jobKeys } from './definition-keys.ts'
import type { Field } from './field.ts'

export type Fields<K extends string> = Partial<Record<K, Field>>

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/

/** Text values; `1` and `true` are taken as they were written. */
export function readEnv(field: Field | undefined): Record<string, string> {
  const env: [string, string][] = []
  let bytes = 0
  const entries = field?.entries('NAME: value') ?? []
  for (const { name, field: each } of entries) {
    if (!variableName.test(name))
      each.wrong('is no name of a variable: letters, digits and _, no digit at its beginning')
    else if (name.toUpperCase().startsWith('RUNYARD_'))
      each.wrong('is reserved: names beginning with RUNYARD_ are ours')
    const text = each.text()
    if (text === undefined) continue
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 2
    env.push([name, text])
  }
  if (entries.length > specLimits.envEntries) field!.wrong(`has more than ${specLimits.envEntries} variables`)
  if (bytes > specLimits.envBytes) field!.wrong(`is larger than ${specLimits.envBytes} bytes`)
  return Object.fromEntries(env)
}

export function readTexts(field: Field | undefined, most: number, example: string): string[] {
  return (field?.list(most, example) ?? []).flatMap((each) => each.text() ?? [])
}

export function readScript(field: Field | undefined): string[] {
  const items = readTexts(field, pipelineLimits.scriptItems, 'script: [echo hello]')
  const bytes = items.reduce((sum, item) => sum + Buffer.byteLength(item), 0)
  if (bytes > pipelineLimits.scriptBytes) {
    field!.wrong(`is ${bytes} bytes: at most ${pipelineLimits.scriptBytes}, so put it into a file and call that`)
  }
  return items
}

/** An object of JSON values. */
export function readVariables(field: Field | undefined): Record<string, unknown> {
  const found = Object.fromEntries((field?.entries('name: value') ?? []).map((each) => [each.name, each.field.json()]))
  if (field !== undefined && Buffer.byteLength(JSON.stringify(found)) > pipelineLimits.variablesBytes) {
    field.wrong(`are larger than ${pipelineLimits.variablesBytes} bytes as JSON`)
  }
  return found
}

/** As jobs have them, by the one schema of jobs. */
export function readJobSettings(fields: Fields<(typeof jobKeys)[number]>): JobSettings {
  const job: Record<string, unknown> = {}
  const { shape } = jobSpecSchema
  for (const key of specKeys) {
    const field = fields[key]
    if (field === undefined || field.empty) continue
    const value = key === 'queue' || key === 'working_dir' ? field.text() : field.json()
    const read = checked(field, shape[key], textsOf(key, field, value))
    if (read !== undefined) job[key] = read
  }
  const grace = fields.stop_grace?.empty === false ? fields.stop_grace.duration(0, 3_600_000) : undefined
  if (grace !== undefined) job.stop_grace_seconds = grace / 1000
  return job as JobSettings
}

const specKeys = [
  ...(['queue', 'priority', 'required_labels', 'labels', 'limits', 'network', 'working_dir', 'binds'] as const),
  ...(['inputs', 'junit', 'isolation', 'executor', 'container', 'hosts', 'hosts_success', 'hosts_at_once'] as const),
  ...(['egress', 'slurm', 'kubernetes'] as const),
]

/** `labels: {version: 1}` means the text. */
function textsOf(key: (typeof specKeys)[number], field: Field, value: unknown): unknown {
  if (key !== 'labels' && key !== 'required_labels') return value
  return Object.fromEntries(field.entries('key: value').map((each) => [each.name, each.field.text()]))
}

function checked(field: Field, schema: z.ZodType, value: unknown): unknown {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  for (const problem of problemsOf(read.error.issues as never, (path) => JSON.stringify(path))) {
    inside(field, JSON.parse(problem.field) as (string | number)[]).wrong(problem.message)
  }
  return undefined
}

/** The field that a path leads to, or the nearest around it. */
function inside(field: Field, path: (string | number)[]): Field {
  const [step, ...rest] = path
  const next =
    typeof step === 'number'
      ? field.list(Infinity, '[]')[step]
      : field.entries('{}').find(({ name }) => name === step)?.field
  return next === undefined ? field : inside(next, rest)
}
