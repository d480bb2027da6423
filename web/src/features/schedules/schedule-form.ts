import type { KeyValue } from '../../components/key-values.tsx'
import type { Schedule } from '../../lib/api.ts'
import { freeVariables, typedOf, variablesOf, type Parameters, type Typed } from '../pipelines/start/start-form.ts'

export type TimingKind = 'cron' | 'every'
export const units = { minutes: 60, hours: 3600, days: 86_400 } as const
export type Unit = keyof typeof units

/** As it is typed. */
export interface ScheduleForm {
  starts: 'pipeline' | 'event'
  pipeline: string
  /** Public id of the event. */
  event: string
  name: string
  kind: TimingKind
  cron: string
  every: string
  unit: Unit
  zone: string
  misfire: 'skip' | 'run_once' | 'run_all'
  overlap: 'queue' | 'skip' | 'cancel_running'
  catchUp: string
  late: string
  /** Of a pipeline that declares its variables: those that were changed here. */
  typed: Typed
  /** Of one that declares none. */
  variables: KeyValue[]
  /** Their values are JSON. */
  json: boolean
  /** Of an event: JSON; empty: the event's own. */
  input: string
}

export const hereZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

export const emptyForm = (pipeline: string): ScheduleForm => ({
  starts: 'pipeline',
  pipeline,
  event: '',
  name: '',
  kind: 'cron',
  cron: '0 3 * * *',
  every: '30',
  unit: 'minutes',
  zone: hereZone(),
  misfire: 'run_once',
  overlap: 'queue',
  catchUp: '60',
  late: '',
  typed: {},
  variables: [],
  json: false,
  input: '',
})

/** One that is there, to be changed. Variables that are not all texts are shown as JSON. */
export function formOf(schedule: Schedule): ScheduleForm {
  const {
    pipeline,
    event,
    input,
    name,
    cron,
    every_seconds,
    zone,
    misfire,
    overlap,
    catch_up_seconds,
    late_after_seconds,
  } = schedule
  const variables = Object.entries(schedule.variables)
  const json = variables.some(([, value]) => typeof value !== 'string')
  return {
    ...emptyForm(pipeline ?? ''),
    ...(event === null ? {} : { starts: 'event' as const, event: event.id }),
    input: input === null ? '' : JSON.stringify(input, null, 2),
    name,
    kind: cron === null ? 'every' : 'cron',
    ...(cron === null ? {} : { cron }),
    ...(every_seconds === null ? {} : splitEvery(every_seconds)),
    zone,
    misfire,
    overlap,
    catchUp: String(catch_up_seconds / 60),
    late: late_after_seconds === null ? '' : String(late_after_seconds / 60),
    variables: variables.map(([key, value]) => ({ key, value: json ? JSON.stringify(value) : String(value) })),
    json,
  }
}

/**
 * What its runs are started with. A default that nobody changed is left out: the runs follow the pipeline when its author
 * changes it. `saved`: what the schedule had before, which stays.
 */
export function variablesIn(
  form: ScheduleForm,
  parameters: Parameters,
  saved: Record<string, unknown>,
): { variables: Record<string, unknown>; errors: Record<string, string> } {
  if (Object.keys(parameters).length === 0) {
    const { variables, error } = freeVariables(form.variables, form.json)
    return { variables, errors: error === undefined ? {} : { free: error } }
  }
  const { variables, errors } = variablesOf(parameters, { ...typedOf(parameters, saved), ...form.typed })
  const defaults = variablesOf(parameters, typedOf(parameters)).variables
  const same = (name: string) => JSON.stringify(variables[name]) === JSON.stringify(defaults[name])
  const pinned = (name: string) => parameters[name]!.required || Object.hasOwn(saved, name)
  const kept = Object.entries(variables).filter(([name]) => pinned(name) || !same(name))
  return { variables: Object.fromEntries(kept), errors }
}

/** Which field of the API is meant by what is typed: its error goes when that is corrected. */
export const fieldsOf: Partial<Record<keyof ScheduleForm, readonly string[]>> = {
  ...{
    starts: ['pipeline', 'event'],
    pipeline: ['pipeline'],
    event: ['event'],
    input: ['input'],
    name: ['name'],
    zone: ['zone'],
    kind: ['cron', 'every_seconds'],
    cron: ['cron'],
  },
  ...{ every: ['every_seconds'], unit: ['every_seconds'], misfire: ['misfire'], overlap: ['overlap'] },
  ...{ catchUp: ['catch_up_seconds'], late: ['late_after_seconds'] },
}

/** What is missing before anything is sent; what else is wrong, the server says. */
export function missingIn(form: ScheduleForm, isNew: boolean): Record<string, string> {
  return Object.fromEntries(
    [
      isNew && form[form.starts] === '' && [form.starts, 'is required'],
      form.starts === 'event' && 'error' in inputOf(form) && ['input', inputOf(form).error!],
      isNew && form.name.trim() === '' && ['name', 'is required'],
      form.kind === 'cron' && form.cron.trim() === '' && ['cron', 'is required'],
      form.kind === 'every' && timingOf(form) === null && ['every_seconds', 'must be a number, e.g. 3 or 0.5'],
    ].filter((one) => one !== false),
  )
}

/** What runs of an event get; null: the event's own. */
export function inputOf({ input }: Pick<ScheduleForm, 'input'>): { value?: unknown; error?: string } {
  if (input.trim() === '') return { value: null }
  try {
    return { value: JSON.parse(input) as unknown }
  } catch (error) {
    return { error: `is no JSON: ${(error as Error).message}` }
  }
}

/** The largest unit of which it is a whole number: 5400 s are 90 minutes. */
export function splitEvery(seconds: number): { every: string; unit: Unit } {
  const unit = (['days', 'hours', 'minutes'] as const).find((one) => seconds % units[one] === 0) ?? 'minutes'
  return { every: String(seconds / units[unit]), unit }
}

export interface Timing {
  cron?: string
  every_seconds?: number
  zone: string
}

/** When it starts runs; null while what is typed says nothing yet. */
export function timingOf(form: ScheduleForm): Timing | null {
  const zone = form.zone.trim() || 'UTC'
  if (form.kind === 'cron') {
    const cron = form.cron.trim()
    return cron === '' ? null : { cron, zone }
  }
  const every = Number(form.every)
  if (form.every.trim() === '' || !Number.isFinite(every)) return null
  return { every_seconds: Math.round(every * units[form.unit]), zone }
}

/** Minutes, as seconds; empty: undefined. What is no number is sent as null, and refused at its field. */
export function secondsOf(minutes: string): number | undefined {
  return minutes.trim() === '' ? undefined : Math.round(Number(minutes) * 60)
}

const sentences: [RegExp, (match: RegExpExecArray) => string][] = [
  [/^\* \* \* \* \*$/, () => 'every minute'],
  [/^\*\/(\d+) \* \* \* \*$/, ([, n]) => `every ${n} minutes`],
  [/^(\d+) \* \* \* \*$/, ([, m]) => `every hour at :${m!.padStart(2, '0')}`],
  [/^(\d+) (\d+) \* \* \*$/, ([, m, h]) => `every day at ${clock(h!, m!)}`],
  [/^(\d+) (\d+) \* \* 1-5$/, ([, m, h]) => `Monday to Friday at ${clock(h!, m!)}`],
  [/^(\d+) (\d+) \* \* (\d)$/, ([, m, h, d]) => `every ${days[Number(d) % 7]} at ${clock(h!, m!)}`],
  [/^(\d+) (\d+) (\d+) \* \*$/, ([, m, h, d]) => `on day ${d} of the month at ${clock(h!, m!)}`],
]
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const clock = (hour: string, minute: string) => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`

/** `every day at 03:00`; an expression that no short sentence says is shown as it is. */
export function timingText({ cron, every_seconds }: { cron?: string | null; every_seconds?: number | null }): string {
  if (every_seconds !== null && every_seconds !== undefined) {
    const { every, unit } = splitEvery(every_seconds)
    if (every_seconds % 60 !== 0) return `every ${every_seconds} s`
    return every === '1' ? `every ${unit.slice(0, -1)}` : `every ${every} ${unit}`
  }
  const text = (cron ?? '').trim()
  for (const [pattern, say] of sentences) {
    const match = pattern.exec(text)
    if (match) return say(match)
  }
  return text
}
