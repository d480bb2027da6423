/** Our own parts of a pipeline: declared variables, schedules, who is told. */
import { notifyOn, type Notify } from '../job/batch-document.ts'
import {
  misfirePolicies,
  overlapPolicies,
  parameterTypes,
  pipelineLimits,
  type Parameter,
  type ScheduleDefinition,
} from '../job/pipeline.ts'
import { checkTiming, timingLimits } from '../job/timing/check-timing.ts'
import { ownKeys } from './definition-keys.ts'
import { shown, type Field } from './field.ts'
import { parameterProblem } from './parameters.ts'
import { readTexts, readVariables } from './schema-values.ts'

const parameterName = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/
const reserved = new Set(['__jobID', 'item', 'item_index'])

export function readParameters(field: Field | undefined): Record<string, Parameter> {
  const parameters: [string, Parameter][] = []
  const entries = field?.entries('name: {type: string}') ?? []
  if (entries.length > pipelineLimits.parameters) field!.wrong(`are more than ${pipelineLimits.parameters}`)
  for (const { name, field: each } of entries) {
    if (!parameterName.test(name) || reserved.has(name)) {
      each.wrong(
        `${shown(name)} is no name for a variable: letters, digits and _, and none of ${[...reserved].join(', ')}`,
      )
    }
    const keys = each.keys(ownKeys.parameter, true, 'name: {type: string, default: abc}')
    const parameter: Parameter = {
      type: keys.type?.oneOf(parameterTypes) ?? 'string',
      description: keys.description?.text() ?? null,
      required: keys.required?.bool() ?? false,
      choices: readTexts(keys.choices, 1000, 'choices: [a, b]'),
    }
    if (keys.default !== undefined && !keys.default.empty) {
      parameter.default =
        parameter.type === 'string' || parameter.type === 'choice' ? keys.default.text() : keys.default.json()
    }
    checkParameter(each, keys, parameter)
    parameters.push([name, parameter])
  }
  return Object.fromEntries(parameters)
}

function checkParameter(field: Field, keys: Record<string, Field | undefined>, parameter: Parameter): void {
  const { type, choices } = parameter
  if (type === 'choice' && choices.length === 0) field.wrong('is a choice without choices: add e.g. `choices: [a, b]`')
  if (type !== 'choice' && choices.length > 0) keys.choices!.wrong('are of `type: choice` only')
  if (!('default' in parameter)) return
  if (parameter.required) keys.default!.wrong('is never used: what is required has to be given')
  const problem = parameterProblem(parameter, parameter.default)
  if (problem !== null) keys.default!.wrong(problem)
}

/** One mapping, or a list of them. */
export function readSchedules(field: Field | undefined): ScheduleDefinition[] {
  if (field === undefined || field.empty) return []
  const items = field.isList ? field.list(pipelineLimits.schedules, 'schedule: [{cron: 0 3 * * *}]') : [field]
  const schedules = items.map((item) => readSchedule(item, items.length))
  const names = new Set<string>()
  schedules.forEach(({ name }, i) => {
    if (names.has(name)) items[i]!.wrong(`needs a name of its own: ${shown(name)} is there already`)
    names.add(name)
  })
  return schedules
}

/** A tick that was missed runs once, when it is not older than an hour; a hundred is a day of every quarter of an hour. */
const usualCatchUp = { seconds: 3600, limit: 100 }

function readSchedule(field: Field, of: number): ScheduleDefinition {
  const keys = field.keys(ownKeys.schedule, true, 'schedule: {cron: 0 3 * * *, timezone: Europe/Berlin}')
  const seconds = (key: Field | undefined, most: number): number | undefined => {
    const ms = key?.empty === false ? key.duration(0, most * 1000) : undefined
    return ms === undefined ? undefined : Math.round(ms / 1000)
  }
  if (of > 1 && keys.name === undefined) field.wrong('needs a `name`, as there are several')
  const schedule: ScheduleDefinition = {
    name: keys.name?.text() ?? 'default',
    cron: keys.cron?.empty === false ? (keys.cron.text() ?? '') : null,
    every_seconds: seconds(keys.every, timingLimits.everySeconds.max) ?? null,
    zone: keys.timezone?.text() ?? 'UTC',
    misfire: keys.misfire?.oneOf(misfirePolicies) ?? 'run_once',
    catch_up_seconds: seconds(keys.catch_up, timingLimits.catchUpSeconds) ?? usualCatchUp.seconds,
    catch_up_limit: keys.catch_up_limit?.int(1, timingLimits.catchUpLimit) ?? usualCatchUp.limit,
    overlap: keys.overlap?.oneOf(overlapPolicies) ?? 'queue',
    variables: readVariables(keys.variables),
    enabled: keys.enabled?.bool() ?? true,
    late_after_seconds: seconds(keys.late_after, timingLimits.lateAfterSeconds) ?? null,
  }
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}_ .:@+-]{0,99}$/u.test(schedule.name))
    (keys.name ?? field).wrong('is no name: letters, digits, space and . : @ + - _')
  if ((keys.cron === undefined) === (keys.every === undefined)) field.wrong('needs either `cron` or `every`')
  else if (keys.every === undefined || schedule.every_seconds !== null) {
    const wrong = checkTiming(schedule)
    const at = { cron: keys.cron, every_seconds: keys.every, zone: keys.timezone }[wrong?.field ?? ''] ?? field
    if (wrong !== null) at.wrong(wrong.message)
  }
  return schedule
}

/** Names of channels, or `{channel, on}`. */
export function readNotify(field: Field | undefined): Notify[] {
  return (field?.list(20, 'notify: [{channel: team, on: [failed]}]') ?? []).map((each) => {
    if (each.isText) return { channel: each.text() ?? '', on: ['ended'] }
    const keys = each.keys(ownKeys.notify, true, '{channel: team, on: [failed]}')
    const on = keys.on === undefined ? [] : keys.on.isText ? [keys.on] : keys.on.list(notifyOn.length, 'on: [failed]')
    const words = on.flatMap((word) => word.oneOf(notifyOn) ?? [])
    const channel = keys.channel?.text() ?? ''
    if (channel === '' || channel.length > 100) (keys.channel ?? each).wrong('needs the name of a `channel`')
    return { channel, on: words.length === 0 ? ['ended'] : words }
  })
}
