import type { Action, AfterTrigger, Effect } from '../../lib/api.ts'

type LooseEffect = { [K in keyof Effect]?: unknown }

/** An action as it is typed: what has a default may be missing. */
export interface LooseAction {
  name: string
  on?: Action['on']
  if?: string
  delay_seconds?: number
  repeat?: { times: number; every_seconds: number; until?: string }
  enabled?: boolean
  do: LooseEffect
}

export const onLabels: Record<Action['on'], string> = {
  success: 'When it completes',
  failure: 'When it fails',
  always: 'Whatever its end',
  condition: 'When its condition is true',
}

export const effectLabels: Record<keyof Effect, string> = {
  message: 'Send a message',
  event: 'Run an event',
  pipeline: 'Start a pipeline',
  webhook: 'Call a webhook',
  set_variable: 'Change a variable',
  rerun: 'Run this event again',
}
export const effectKinds = Object.keys(effectLabels) as (keyof Effect)[]

export const effectKind = (effect: LooseEffect): keyof Effect =>
  effectKinds.find((kind) => effect[kind] !== undefined) ?? 'message'

/** `Send a message to team-ci`. */
export function effectText(effect: LooseEffect): string {
  const kind = effectKind(effect)
  const body = (effect[kind] ?? {}) as Record<string, string | undefined>
  const to = {
    message: body['channel'] && ` to ${body['channel']}`,
    event: body['event'] && `: ${body['event']}`,
    pipeline: body['name'] && `: ${body['name']}`,
    webhook: body['url'] && `: ${body['method'] ?? 'GET'} ${body['url']}`,
    set_variable: body['name'] && `: ${body['operation'] ?? 'set'} ${body['name']}`,
    rerun: '',
  }[kind]
  return effectLabels[kind] + (to ?? '')
}

/** `When it fails, after 5 m, up to 3 times`. */
export function whenText({ on = 'success', if: condition, delay_seconds = 0, repeat }: LooseAction): string {
  return [
    onLabels[on],
    condition && `if ${condition}`,
    delay_seconds > 0 && `after ${spanText(delay_seconds)}`,
    repeat && `up to ${repeat.times} times, every ${spanText(repeat.every_seconds)}`,
    repeat?.until && `until ${repeat.until}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** `90 s`, `5 m`, `2 h`, `3 d`: the largest unit of which it is a whole number, up from two minutes. */
export function spanText(seconds: number): string {
  const unit = (
    [
      [86_400, 'd'],
      [3600, 'h'],
      [60, 'm'],
    ] as const
  ).find(([size]) => seconds % size === 0 && seconds > 0)
  return unit ? `${seconds / unit[0]} ${unit[1]}` : `${seconds} s`
}

const onWords = { succeeded: 'succeeds', failed: 'fails', cancelled: 'is cancelled' }

/** `When the pipeline nightly succeeds or fails`. */
export function afterText({ event, pipeline, job, on = ['succeeded'] }: Partial<AfterTrigger>): string {
  const what = event
    ? `the event ${event}`
    : pipeline
      ? `the pipeline ${pipeline}`
      : job
        ? `the job ${job}`
        : 'something'
  return `When ${what} ${on.map((word) => onWords[word]).join(' or ')}`
}
