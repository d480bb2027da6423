import type { Command } from 'commander'
import { withServer } from '../connect.ts'
import { defineEventDefinitions } from '../event-definitions.ts'
import { defineEventRuns } from '../event-runs.ts'
import { eventDetails, eventTable } from '../event-view.ts'
import { kinds, oneOf, statuses } from '../event-words.ts'
import { globalsOf } from '../globals.ts'
import { notice, printJson } from '../render.ts'
import { parseWithin } from '../units.ts'

export function define(command: Command): void {
  defineLs(command)
  const show = command.command('show').argument('<event>', 'its name or id').summary('one event')
  show.description('one event: what starts it, how it went').action(async (name: string) => {
    const found = await withServer(show, ({ client }) => client.calls.events.get({ event: name }))
    if (globalsOf(show).json) return printJson(found)
    process.stdout.write(eventDetails(found))
  })
  defineEventDefinitions(command)
  defineEventRuns(command)
  command.addHelpText(
    'after',
    '\nEvents are stored automations: a script, a request, a message or a pipeline. See docs/events.md.',
  )
}

interface LsOptions {
  status?: (typeof statuses)[number][]
  kind?: (typeof kinds)[number][]
  tag?: string[]
  owner?: string
  failing?: boolean
  search?: string
  limit: number
}

function defineLs(command: Command): void {
  const ls = command
    .command('ls')
    .summary('list events')
    .description('list events, newest first; archived ones on demand')
  ls.option('--status <word>', `${statuses.join(', ')}; may be repeated`, oneOf(statuses))
    .option('--kind <word>', `${kinds.join(', ')}; may be repeated`, oneOf(kinds))
    .option('--tag <tag>', 'only with this tag; may be repeated', (text: string, all?: string[]) => [
      ...(all ?? []),
      text,
    ])
    .option('--owner <name>', 'only of this user')
    .option('--failing', 'only those whose last run failed')
    .option('--search <text>', 'part of the name or description')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 100)
    .action(async ({ status, kind, tag, owner, failing, search, limit }: LsOptions) => {
      const query = { status, kind, tag, owner, failing, search, limit }
      const { events } = await withServer(ls, ({ client }) => client.calls.events.list(query))
      if (globalsOf(ls).json) return printJson(events)
      if (events.length === 0) return notice('no event matches; runyard event create --help shows how one is made')
      process.stdout.write(eventTable(events))
    })
}
