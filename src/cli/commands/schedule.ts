import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { Schedule } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { parseSet, parseSetJson } from '../pipeline-words.ts'
import { confirm } from '../prompt.ts'
import { notice, print, printJson } from '../render.ts'
import { scheduleDetails, scheduleTable, startsOf, tickTable } from '../schedule-view.ts'
import { parseDuration, parseWithin } from '../units.ts'

type Calls = ApiClient['calls']
type NewSchedule = Parameters<Calls['schedules']['create']>[0]

const misfirePolicies: NonNullable<NewSchedule['misfire']>[] = ['skip', 'run_once', 'run_all']
const overlapPolicies: NonNullable<NewSchedule['overlap']>[] = ['queue', 'skip', 'cancel_running']

const which = 'id, or PIPELINE/NAME, or EVENT/NAME'

export function define(command: Command): void {
  defineLs(command)
  defineAdd(command)
  const show = command.command('show').argument('<schedule>', which).summary('one schedule')
  show.description('one schedule, with its next three times').action(async (name: string) => {
    const { schedule, times } = await withServer(show, async ({ client: { calls } }) => {
      const schedule = await scheduleNamed(calls, name)
      return { schedule, ...(await calls.schedules.preview({ ...timingOf(schedule), count: 3 })) }
    })
    if (globalsOf(show).json) return printJson(schedule)
    process.stdout.write(scheduleDetails(schedule, times))
  })
  defineSwitch(command, 'pause', false, 'starts nothing until it is resumed')
  defineSwitch(command, 'resume', true, 'counts from now: what was due meanwhile is not made up')
  defineRm(command)
  defineNext(command)
  const ticks = command.command('ticks').argument('<schedule>', which).summary('what became of its ticks')
  ticks
    .description('what became of its ticks, newest first')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 20)
    .action(async (name: string, { limit }: { limit: number }) => {
      const found = await withServer(ticks, async ({ client: { calls } }) =>
        calls.schedules.ticks({ id: (await scheduleNamed(calls, name)).id, limit }),
      )
      if (globalsOf(ticks).json) return printJson(found.ticks)
      process.stdout.write(tickTable(found.ticks))
    })
  command.addHelpText(
    'after',
    '\nSchedules that stand in a pipelines.yml or in an event are changed there. See docs/schedules.md.',
  )
}

interface LsOptions {
  pipeline?: string
  event?: string
  search?: string
  limit: number
}

function defineLs(command: Command): void {
  const ls = command.command('ls').summary('list schedules').description('list schedules, newest first')
  ls.option('--pipeline <name>', 'only of this one')
    .option('--event <name>', 'only of this one, by name or id')
    .option('--search <text>', 'part of the name, or of the pipeline’s or event’s')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 100)
    // Global options may stand here too, and are no fields of the query.
    .action(async ({ pipeline, event, search, limit }: LsOptions) => {
      const query = { pipeline, event, search, limit }
      const { schedules } = await withServer(ls, ({ client }) => client.calls.schedules.list(query))
      if (globalsOf(ls).json) return printJson(schedules)
      if (schedules.length === 0) return notice('no schedule; runyard schedule add PIPELINE --cron "30 2 * * *"')
      process.stdout.write(scheduleTable(schedules))
    })
}

interface AddOptions {
  name: string
  event?: boolean
  input?: unknown
  cron?: string
  every?: number
  zone?: string
  starts?: string
  ends?: string
  misfire?: NewSchedule['misfire']
  catchUp?: number
  catchUpLimit?: number
  overlap?: NewSchedule['overlap']
  late?: number
  set?: Record<string, string>
  setJson?: Record<string, unknown>
  disabled?: boolean
}

function defineAdd(command: Command): void {
  const add = command.command('add').argument('<pipeline>', 'its name; with --event an event’s name or id')
  add
    .summary('start a pipeline or an event at certain times')
    .description('start a pipeline at certain times, in your name; with --event an event, in its owner’s')
    .option('--event', 'start the event of that name')
    .option('--name <name>', 'of the schedule', 'default')
    .addOption(new Option('--cron <fields>', 'e.g. "30 2 * * 1-5"').conflicts('every'))
    .option('--every <time>', 'e.g. 15m', parseSeconds)
    .option('--zone <name>', 'whose clocks the cron fields mean, e.g. Europe/Berlin; UTC when left out')
    .option('--starts <time>', 'not before, e.g. 2026-03-01T00:00:00Z')
    .option('--ends <time>', 'not after')
    .addOption(new Option('--misfire <policy>', 'of times that no server saw').choices(misfirePolicies))
    .option('--catch-up <time>', 'how far back such a time may be', parseSeconds)
    .option('--catch-up-limit <n>', 'of run_all: so many such times at most', parseWithin(1, 1000))
    .addOption(new Option('--overlap <policy>', 'when its last run has not ended').choices(overlapPolicies))
    .option('--late <time>', 'tell the pipeline’s channels when a run has not begun after so long', parseSeconds)
    .option('-s, --set <name=value>', 'a variable; may be repeated', parseSet)
    .option('--set-json <name=json>', 'a variable that is no text', parseSetJson)
    .option('--input <json>', 'of an event: what its runs get', parseJson)
    .option('--disabled', 'make it, and start nothing yet')
    .action(async (target: string, options: AddOptions) => {
      const made = await withServer(add, ({ client }) => client.calls.schedules.create(inputOf(target, options)))
      if (globalsOf(add).json) return printJson(made)
      print(made.id)
    })
}

const inputOf = (target: string, options: AddOptions): NewSchedule => ({
  ...(options.event === true ? { event: target } : { pipeline: target }),
  ...{ name: options.name, cron: options.cron, every_seconds: options.every, zone: options.zone },
  ...{ starts_at: options.starts, ends_at: options.ends, misfire: options.misfire, overlap: options.overlap },
  ...{ catch_up_seconds: options.catchUp, catch_up_limit: options.catchUpLimit },
  ...{ late_after_seconds: options.late, enabled: options.disabled !== true },
  ...(options.input !== undefined && { input: options.input as null }),
  ...((options.set !== undefined || options.setJson !== undefined) && {
    variables: { ...options.setJson, ...options.set } as Record<string, never>,
  }),
})

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new InvalidArgumentError('has to be JSON')
  }
}

function parseSeconds(text: string): number {
  const seconds = parseDuration(text)
  if (!Number.isInteger(seconds)) throw new InvalidArgumentError('has to be whole seconds')
  return seconds
}

function defineSwitch(command: Command, verb: 'pause' | 'resume', enabled: boolean, effect: string): void {
  const sub = command.command(verb).argument('<schedule>', which).summary(`${verb} a schedule`)
  sub.description(`${verb} a schedule: it ${effect}`).action(async (name: string) => {
    const changed = await withServer(sub, async ({ client: { calls } }) =>
      calls.schedules.change({ id: (await scheduleNamed(calls, name)).id, enabled }),
    )
    if (globalsOf(sub).json) return printJson(changed)
    print(`${startsOf(changed)}/${changed.name}: ${enabled ? `next ${changed.next_at ?? 'never'}` : 'paused'}`)
  })
}

function defineRm(command: Command): void {
  const rm = command.command('rm').argument('<schedule>', which).summary('delete a schedule; its runs stay')
  rm.description('delete a schedule; its runs stay')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      if (yes !== true && !process.stdin.isTTY) {
        throw new AppError('invalid_argument', `no terminal to ask on: runyard schedule rm ${name} --yes`)
      }
      const deleted = yes === true || (await confirm(`Delete ${name}?`))
      if (!deleted) process.exitCode = exitCodes.failed
      if (deleted) {
        await withServer(rm, async ({ client: { calls } }) =>
          calls.schedules.delete({ id: (await scheduleNamed(calls, name)).id }),
        )
      }
      if (globalsOf(rm).json) return printJson({ name, deleted })
      print(deleted ? `Deleted ${name}` : 'Nothing was deleted')
    })
}

function defineNext(command: Command): void {
  const next = command.command('next').argument('[schedule]', which).summary('the next times')
  next
    .description('the next times of a schedule, or of --cron or --every before there is one')
    .addOption(new Option('--cron <fields>', 'e.g. "30 2 * * 1-5"').conflicts('every'))
    .option('--every <time>', 'e.g. 15m', parseSeconds)
    .option('--zone <name>', 'IANA; UTC when left out')
    .option('-n, --count <n>', 'so many', parseWithin(1, 100), 10)
    .action(
      async (name: string | undefined, options: { cron?: string; every?: number; zone?: string; count: number }) => {
        const { count, cron, every, zone } = options
        if ((name === undefined) === (cron === undefined && every === undefined)) {
          throw new AppError('invalid_argument', 'name a schedule, or give --cron or --every')
        }
        const { times } = await withServer(next, async ({ client: { calls } }) => {
          const timing =
            name === undefined ? { cron, every_seconds: every, zone } : timingOf(await scheduleNamed(calls, name))
          return calls.schedules.preview({ ...timing, count })
        })
        if (globalsOf(next).json) return printJson(times)
        for (const { at, local } of times) print(`${at}  ${local}`)
      },
    )
}

const timingOf = ({ cron, every_seconds, zone, starts_at, ends_at }: Schedule) => ({
  ...{ cron, every_seconds, zone, starts_at, ends_at },
})

async function scheduleNamed(calls: Calls, name: string): Promise<Schedule> {
  const slash = name.indexOf('/')
  if (slash < 0) return calls.schedules.get({ id: name })
  const [target, own] = [name.slice(0, slash), name.slice(slash + 1)]
  for (const of of [{ pipeline: target }, { event: target }]) {
    const { schedules } = await calls.schedules.list({ ...of, search: own, limit: 200 })
    const found = schedules.find((one) => one.name === own)
    if (found !== undefined) return found
  }
  throw new AppError('not_found', `no pipeline or event ${target} has a schedule named ${own}`)
}
