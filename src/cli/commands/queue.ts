import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Queue } from '../../api/contract/system.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { paint, print, printJson, table } from '../render.ts'
import { parseDuration, parseWhole } from '../units.ts'

type Limits = Pick<Queue, 'concurrency' | 'rate' | 'paused'>
type Rate = Queue['rate']

export interface SetOptions {
  concurrency?: number | null
  rate?: Rate
  pause?: boolean
  resume?: boolean
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
    .addOption(new Option('--pause', 'start nothing of it').conflicts('resume'))
    .addOption(new Option('--resume', 'start its jobs again').conflicts('pause'))
    .action(async (name: string, options: SetOptions) => {
      const queue = await withServer(set, async ({ client }) => {
        const { queues } = await client.calls.queues.list()
        const before = queues.find((found) => found.name === name)
        return client.calls.queues.put({ name, ...changed(before, options) })
      })
      if (globalsOf(set).json) return printJson(queue)
      print(
        `${queue.name}: concurrency ${queue.concurrency ?? 'none'}, rate ${showRate(queue.rate)}${queue.paused ? ', paused' : ''}`,
      )
    })
}

const orNone = <T>(text: string, parse: (text: string) => T): T | null => (text === 'none' ? null : parse(text))

/** `10/1m`, `5/s`. */
export function parseRate(text: string): NonNullable<Rate> {
  const [, starts, time = ''] = /^(\d+)\/(.+)$/.exec(text) ?? []
  if (starts === undefined) throw new InvalidArgumentError('is not a rate, e.g. 10/1m, or none')
  return { starts: parseWhole(starts), seconds: parseDuration(/^\d/.test(time) ? time : `1${time}`) }
}

/** Writing replaces all of a queue's limits, so what was not named is carried over. */
export const changed = (before: Limits | undefined, { concurrency, rate, pause, resume }: SetOptions): Limits => ({
  concurrency: concurrency === undefined ? (before?.concurrency ?? null) : concurrency,
  rate: rate === undefined ? (before?.rate ?? null) : rate,
  paused: pause === true || (resume !== true && (before?.paused ?? false)),
})

/** As one would set it. */
const showRate = (rate: Rate): string => (rate === null ? 'none' : `${rate.starts}/${spellTime(rate.seconds)}`)

function spellTime(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}

function listing(queues: Queue[]): string {
  const titles = ['NAME', 'CONCURRENCY', 'RATE', 'WAITING', 'RUNNING', '']
  const rows = queues.map((queue) => [
    queue.name,
    queue.concurrency?.toString() ?? 'none',
    showRate(queue.rate),
    String(queue.waiting),
    String(queue.running),
    queue.paused ? paint('yellow', 'paused') : '',
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'NAME' })),
    rows,
  )
}
