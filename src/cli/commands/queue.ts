import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Queue } from '../../api/contract/system.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { paint, print, printJson, table } from '../render.ts'
import { parseDuration, parseNumber, parseWhole, showBytes } from '../units.ts'

type Limits = Pick<Queue, 'concurrency' | 'rate' | 'paused' | 'retain_days' | 'retain_count'>
type Rate = Queue['rate']

export interface SetOptions {
  concurrency?: number | null
  rate?: Rate
  pause?: boolean
  resume?: boolean
  /** Null: as the installation has it. */
  retainDays?: number | null
  retainCount?: number | null
}

export function define(command: Command): void {
  const ls = command.command('ls').summary('list queues').description('list queues with their limits and counts')
  ls.action(async () => {
    const { queues } = await withServer(ls, ({ client }) => client.calls.queues.list())
    if (globalsOf(ls).json) return printJson(queues)
    process.stdout.write(listing(queues))
  })

  const set = command.command('set').argument('<name>', 'made when there is none of that name').summary('limit a queue')
  set
    .description('limit, pause or resume a queue (administrators); what is not named stays as it is')
    .option('--concurrency <n>', 'jobs that may run at a time, or none', (text) => orNone(text, parseWhole))
    .option('--rate <rate>', 'starts per time, e.g. 10/1m, or none', (text) => orNone(text, parseRate))
    .option(
      '--retain-days <days>',
      'keep its ended jobs so long: a number, default or 0 for ever',
      ownOrDefault(parseNumber),
    )
    .option('--retain-count <n>', 'keep so many of them: a number, default or 0 for all', ownOrDefault(parseWhole))
    .addOption(new Option('--pause', 'start nothing of it').conflicts('resume'))
    .addOption(new Option('--resume', 'start its jobs again').conflicts('pause'))
    .action(async (name: string, words: SetWords) => {
      const options = withoutWords(words)
      const queue = await withServer(set, async ({ client }) => {
        const { queues } = await client.calls.queues.list()
        const before = queues.find((found) => found.name === name)
        return client.calls.queues.put({ name, ...changed(before, options) })
      })
      if (globalsOf(set).json) return printJson(queue)
      print(
        `${queue.name}: concurrency ${queue.concurrency ?? 'none'}, rate ${showRate(queue.rate)}, keeps ${showRetention(queue)}${queue.paused ? ', paused' : ''}`,
      )
    })
}

/** As they are parsed: commander makes an empty text of a null, so the word that takes a limit away stays a word. */
type SetWords = { [Option in keyof SetOptions]: Exclude<SetOptions[Option], null> | 'none' | 'default' }

const ownOrDefault = (parse: (text: string) => number) => (text: string) => (text === 'default' ? text : parse(text))
const orNone = <T>(text: string, parse: (text: string) => T): T | 'none' => (text === 'none' ? text : parse(text))

export const withoutWords = (words: SetWords): SetOptions =>
  Object.fromEntries(
    Object.entries(words).map(([name, value]) => [name, value === 'none' || value === 'default' ? null : value]),
  )

/** `10/1m`, `5/s`. */
export function parseRate(text: string): NonNullable<Rate> {
  const [, starts, time = ''] = /^(\d+)\/(.+)$/.exec(text) ?? []
  if (starts === undefined) throw new InvalidArgumentError('is not a rate, e.g. 10/1m, or none')
  return { starts: parseWhole(starts), seconds: parseDuration(/^\d/.test(time) ? time : `1${time}`) }
}

/** Writing replaces all of a queue's limits, so what was not named is carried over. */
export const changed = (before: Limits | undefined, { pause, resume, ...named }: SetOptions): Limits => ({
  concurrency: named.concurrency === undefined ? (before?.concurrency ?? null) : named.concurrency,
  rate: named.rate === undefined ? (before?.rate ?? null) : named.rate,
  paused: pause === true || (resume !== true && (before?.paused ?? false)),
  retain_days: named.retainDays === undefined ? (before?.retain_days ?? null) : named.retainDays,
  retain_count: named.retainCount === undefined ? (before?.retain_count ?? null) : named.retainCount,
})

/** `30 days, 100000 jobs`; what is not the installation's own is marked. */
export function showRetention({ retention, retain_days, retain_count }: Omit<Queue, 'name'>): string {
  const days = retention.days === 0 ? 'any age' : `${retention.days} days`
  const count = retention.count === 0 ? 'all jobs' : `${retention.count} jobs`
  return `${days}${retain_days === null ? '' : '*'}, ${count}${retain_count === null ? '' : '*'}`
}

/** As one would set it. */
const showRate = (rate: Rate): string => (rate === null ? 'none' : `${rate.starts}/${spellTime(rate.seconds)}`)

function spellTime(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}

function listing(queues: Queue[]): string {
  const titles = ['NAME', 'CONCURRENCY', 'RATE', 'WAITING', 'RUNNING', 'ENDED', 'LOGS', 'KEEPS', '']
  const rows = queues.map((queue) => [
    queue.name,
    queue.concurrency?.toString() ?? 'none',
    showRate(queue.rate),
    String(queue.waiting),
    String(queue.running),
    String(queue.kept),
    showBytes(queue.log_bytes),
    showRetention(queue),
    queue.paused ? paint('yellow', 'paused') : '',
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'NAME' })),
    rows,
  )
}
