import { Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import { withServer } from '../connect.ts'
import { statsTable } from '../failure-view.ts'
import { globalsOf } from '../globals.ts'
import { notice, printJson } from '../render.ts'
import { parseWithin } from '../units.ts'

type Query = NonNullable<Parameters<ApiClient['calls']['analytics']['table']>[0]>
const kinds: NonNullable<Query['by']>[] = ['event', 'pipeline', 'user']
const sorts: NonNullable<Query['sort']>[] = ['runs', 'failed', 'success_rate', 'duration_p95', 'wait_p95', 'cpu']

interface Options {
  by: NonNullable<Query['by']>
  sort: NonNullable<Query['sort']>
  days: number
  search?: string
  limit: number
}

export function define(command: Command): void {
  command
    .description('how things ran: durations, success, waits, CPU and memory of what ended within the last days')
    .addOption(new Option('--by <what>', 'one row for each').choices(kinds).default('event'))
    .addOption(new Option('--sort <column>', 'what is worst comes first').choices(sorts).default('runs'))
    .option('--days <n>', 'so many days up to now', parseWithin(1, 90), 7)
    .option('--search <text>', 'part of the name')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 50)
    .addHelpText(
      'after',
      '\nExamples:\n  runyard stats --sort failed\n  runyard stats --by pipeline --days 30 --sort duration_p95\n\nSee docs/analytics.md.',
    )
    .action(async ({ by, sort, days, search, limit }: Options) => {
      const found = await withServer(command, ({ client }) =>
        client.calls.analytics.table({ by, sort, days, search, limit }),
      )
      if (globalsOf(command).json) return printJson(found)
      if (found.rows.length === 0) return notice(`no ${by} ran within ${days} days`)
      process.stdout.write(statsTable(found.rows, found.total))
    })
}
