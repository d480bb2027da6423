/** One task as the file has it. */
import { pipelineLimits, type Approval, type TaskDefinition, type TaskRetry } from '../job/pipeline.ts'
import { defaultRetry } from '../job/retry.ts'
import { specLimits } from '../job/spec.ts'
import { checkTemplateAt } from './check-templates.ts'
import { ownKeys, taskKeys } from './definition-keys.ts'
import type { Field } from './field.ts'
import { readEnv, readJobSettings, readScript, readTexts, readVariables, type Fields } from './schema-values.ts'

type Keys = Fields<(typeof taskKeys)[number]>

export const timeoutBounds = [100, specLimits.timeoutSeconds * 1000] as const
const dayMs = 86_400_000

export interface ReadTask {
  task: TaskDefinition
  field: Field
  keys: Keys
}

export function readTask(name: string, field: Field, pipeline: string): ReadTask {
  const keys: Keys = field.keys(taskKeys, false, 'script: [echo hello]')
  const task: TaskDefinition = {
    name,
    script: readScript(keys.script),
    depends_on: [...new Set(readTexts(keys.depends_on, pipelineLimits.dependencies, 'depends_on: [build]'))],
    allow_failure: optional(keys.allow_failure, (each) => each.bool()) ?? false,
    env: readEnv(keys.env),
    description: readDescription(keys.description),
    env_from: readEnv(keys.env_from),
    args: readTexts(keys.args, specLimits.arguments - 10, "args: ['{{ .name }}']"),
    retry: optional(keys.retry, readRetry) ?? null,
    timeout_ms: optional(keys.timeout, (each) => each.duration(...timeoutBounds)) ?? null,
    interruptible: optional(keys.interruptible, (each) => each.bool()) ?? true,
    for_each: optional(keys.for_each, readForEach) ?? null,
    max_parallel: optional(keys.max_parallel, (each) => each.int(1, pipelineLimits.fanOut)) ?? null,
    pipeline: optional(keys.pipeline, readSubPipeline) ?? null,
    approval: optional(keys.approval, readApproval) ?? null,
    artifacts: readArtifacts(keys.artifacts),
    artifacts_from: [...new Set(readTexts(keys.artifacts_from, 1000, 'artifacts_from: [build]'))],
    job: readJobSettings(keys),
  }
  checkKind(task, keys, field, pipeline)
  checkTemplates(keys)
  return { task, field, keys }
}

export const optional = <T>(field: Field | undefined, read: (field: Field) => T): T | undefined =>
  field === undefined || field.empty ? undefined : read(field)

export function readDescription(field: Field | undefined): string | null {
  const text = optional(field, (each) => each.text()) ?? null
  if (text !== null && text.length > 2000) field!.wrong('is longer than 2000 characters')
  return text
}

function readRetry(field: Field): TaskRetry | null {
  const keys = field.isText ? { attempts: field } : field.keys(ownKeys.retry, true, 'retry: {attempts: 3, backoff: 5s}')
  if (keys.attempts === undefined) field.wrong('needs `attempts`, all tries together')
  const delay = (key: Field | undefined, most: number): number | undefined =>
    optional(key, (each) => each.duration(0, most))
  const memoryFactor = optional(keys.memory_factor, (each) => each.number(1, 8))
  const memoryMax = optional(keys.memory_max_bytes, (each) => each.int(4 * 1024 * 1024, 2 ** 44))
  if (memoryMax !== undefined && memoryFactor === undefined) keys.memory_max_bytes!.wrong('needs `memory_factor` too')
  return {
    attempts: keys.attempts?.int(1, specLimits.maxAttempts) ?? 1,
    backoff_ms: delay(keys.backoff, dayMs) ?? defaultRetry.backoff_seconds * 1000,
    factor: optional(keys.factor, (each) => each.number(1, 100)) ?? defaultRetry.factor,
    max_backoff_ms: delay(keys.max_backoff, 7 * dayMs) ?? defaultRetry.max_backoff_seconds * 1000,
    ...(memoryFactor !== undefined && { memory_factor: memoryFactor }),
    ...(memoryMax !== undefined && { memory_max_bytes: memoryMax }),
  }
}

function readForEach(field: Field): unknown[] | string | undefined {
  if (!field.isList) return field.isText ? field.text() : field.wrong('must be a list, or a template that makes one')
  return field.list(pipelineLimits.fanOut, 'for_each: [a, b]').map((each) => each.json())
}

function readSubPipeline(field: Field): TaskDefinition['pipeline'] {
  if (field.isText) return { name: field.text() ?? '', variables: {} }
  const keys = field.keys(ownKeys.sub_pipeline, true, 'pipeline: {name: build, variables: {target: all}}')
  const name = keys.name?.text() ?? ''
  if (name === '') field.wrong('needs the `name` of a pipeline')
  const variables = readVariables(keys.variables)
  for (const text of textsIn(keys.variables)) checkTemplateAt(text)
  return { name, variables }
}

function readApproval(field: Field): Approval | null {
  const usual: Approval = { message: null, timeout_ms: null, on_timeout: 'reject' }
  if (field.isText) return field.bool() === true ? usual : null
  const keys = field.keys(ownKeys.approval, true, 'approval: {message: Deploy?, timeout: 24h}')
  return {
    message: readDescription(keys.message),
    timeout_ms: optional(keys.timeout, (each) => each.duration(1000, 366 * dayMs)) ?? null,
    on_timeout: optional(keys.on_timeout, (each) => each.oneOf(['reject', 'approve'])) ?? 'reject',
  }
}

function readArtifacts(field: Field | undefined): string[] {
  return (field?.list(100, 'artifacts: [dist/**]') ?? []).flatMap((each) => {
    const path = each.text()
    if (path === undefined) return []
    if (path === '' || path.length > 1024 || path.includes('\n')) return each.wrong('must be a path or a pattern') ?? []
    if (path.split('/').includes('..')) return each.wrong('must not contain ..') ?? []
    return [path]
  })
}

/** It runs a script, or another pipeline, or asks somebody. */
function checkKind(task: TaskDefinition, keys: Keys, field: Field, pipeline: string): void {
  const kinds = [task.script.length > 0 && 'script', task.pipeline && 'pipeline', task.approval && 'approval']
  const given = kinds.filter((kind) => typeof kind === 'string')
  if (given.length > 1) field.wrong(`has ${given.join(' and ')}: divide it into two tasks, one after the other`)
  if (task.approval && task.for_each !== null) keys.for_each!.wrong('cannot be of an approval: somebody decides once')
  if (task.max_parallel !== null && task.for_each === null) keys.max_parallel!.wrong('is for tasks with `for_each`')
  if (task.pipeline?.name === pipeline) keys.pipeline!.wrong('would start itself for ever: name another pipeline')
  if (task.script.length === 0 && given.length > 0) {
    for (const key of ['args', 'env', 'env_from', 'artifacts', 'artifacts_from'] as const) {
      if (keys[key]?.empty === false)
        keys[key].wrong(`is for scripts, not for ${given[0] === 'approval' ? 'an approval' : 'a pipeline'}`)
    }
  }
}

function checkTemplates({ script, env_from, args, for_each, pipeline }: Keys): void {
  for (const texts of [script, env_from, args]) for (const text of textsIn(texts)) checkTemplateAt(text)
  if (for_each?.isText === true) checkTemplateAt(for_each)
  if (pipeline?.isText === true) return
}

/** Every text below, whatever it is in. */
export function textsIn(field: Field | undefined): Field[] {
  if (field === undefined || field.empty) return []
  if (field.isText) return [field]
  const inner = field.isList ? field.list(Infinity, '[]') : field.entries('{}').map((each) => each.field)
  return inner.flatMap(textsIn)
}
