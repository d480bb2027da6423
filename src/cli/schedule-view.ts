/** How schedules and their ticks look on a terminal. */
import type { Schedule, ScheduleTick } from '../api/contract/index.ts'
import { paint, printable, table } from './render.ts'
import { showAgo, showDuration, showEnd } from './units.ts'

export const timingText = ({ cron, every_seconds, zone }: Schedule): string =>
  cron === null ? `every ${showDuration(every_seconds! * 1000)}` : `${cron} ${zone}`

/** Name of the pipeline or event that it starts. */
export const startsOf = ({ pipeline, event }: Schedule): string => pipeline ?? event!.name

const inTable = (titles: string[], rows: string[][]): string =>
  table(
    titles.map((title) => ({ title, shrinks: title === titles.at(-1) })),
    rows,
  )

export const scheduleTable = (schedules: Schedule[]): string =>
  inTable(
    ['ID', 'STARTS', 'NAME', 'TIMES', 'NEXT', 'LAST', 'PROBLEM'],
    schedules.map((schedule) => [
      schedule.id,
      printable(startsOf(schedule)),
      printable(schedule.name),
      timingText(schedule),
      nextText(schedule),
      schedule.last_tick === null ? '' : `${schedule.last_tick.outcome} ${showAgo(schedule.last_tick.tick)}`,
      printable(schedule.problem ?? ''),
    ]),
  )

function nextText({ enabled, next_at }: Schedule): string {
  if (!enabled) return paint('yellow', 'paused')
  return next_at === null ? 'never' : showEnd(next_at)
}

export function scheduleDetails(schedule: Schedule, times: { at: string; local: string }[]): string {
  const { misfire, catch_up_seconds, catch_up_limit, overlap, late_after_seconds, owner, variables, input } = schedule
  const rows: [string, string][] = [
    ['schedule', `${printable(startsOf(schedule))}/${printable(schedule.name)} (${schedule.id})`],
    ['times', timingText(schedule)],
    ['state', schedule.enabled ? 'enabled' : 'paused'],
    ['owner', `${owner}${whereFrom(schedule)}`],
    [
      'missed',
      `${misfire}, up to ${showDuration(catch_up_seconds * 1000)} back${misfire === 'run_all' ? `, ${catch_up_limit} at most` : ''}`,
    ],
    ['overlap', overlap],
    ...(late_after_seconds === null ? [] : ([['late', `after ${showDuration(late_after_seconds * 1000)}`]] as const)),
    ...(Object.keys(variables).length === 0 ? [] : ([['variables', printable(JSON.stringify(variables))]] as const)),
    ...(input === null ? [] : ([['input', printable(JSON.stringify(input))]] as const)),
    ...(schedule.problem === null ? [] : ([['problem', printable(schedule.problem)]] as const)),
    ...times.map(({ at, local }, i): [string, string] => [i === 0 ? 'next' : '', `${at}  ${local}`]),
  ].map(([name, value]) => [name!, value!])
  return rows.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('')
}

const whereFrom = ({ source }: Schedule): string =>
  ({ file: ', from the pipeline’s file', event: ', from the event’s definition', api: '' })[source]

export const tickTable = (ticks: ScheduleTick[]): string =>
  inTable(
    ['TICK', 'OUTCOME', 'RUN', 'REASON'],
    ticks.map(({ tick, last_tick, outcome, run_id, reason }) => [
      last_tick === null || last_tick === tick ? tick : `${tick} to ${last_tick}`,
      outcome,
      run_id ?? '',
      printable(reason ?? ''),
    ]),
  )
