import type { Command } from 'commander'
import { withServer } from '../connect.ts'
import { incidentDetails, incidentTable } from '../failure-view.ts'
import { globalsOf } from '../globals.ts'
import { notice, print, printJson } from '../render.ts'
import { parseWithin } from '../units.ts'

export function define(command: Command): void {
  const ls = command.command('ls').summary('list incidents').description('list incidents, newest first')
  ls.option('--state <states>', 'open, acknowledged, closed; open and acknowledged when left out', 'open,acknowledged')
    .option('--all', 'closed ones too')
    .option('--event <name>', 'of one event, by name or id')
    .option('--search <text>', 'part of what it is about')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 50)
    .action(async ({ state, all, event, search, limit }: LsOptions) => {
      const query = { ...(all !== true && { state }), event, search, limit }
      const { incidents } = await withServer(ls, ({ client }) => client.calls.incidents.list(query))
      if (globalsOf(ls).json) return printJson(incidents)
      if (incidents.length === 0) return notice('no incident; --all shows closed ones')
      process.stdout.write(incidentTable(incidents))
    })

  const show = command.command('show').argument('<id>').summary('one incident with its timeline')
  show.description('one incident with its timeline, oldest first').action(async (id: string) => {
    const incident = await withServer(show, ({ client }) => client.calls.incidents.get({ id }))
    if (globalsOf(show).json) return printJson(incident)
    process.stdout.write(incidentDetails(incident))
  })
  defineAct(command, 'ack', 'acknowledge', 'say that somebody looks into it')
  defineAct(command, 'close', 'close', 'close it; the same failure within an hour opens it again')
  const note = command.command('note').argument('<id>').argument('<text>').summary('write into its timeline')
  note.description('write into its timeline').action(async (id: string, text: string) => {
    const call = { id, action: 'note' as const, note: text }
    const incident = await withServer(note, ({ client }) => client.calls.incidents.act(call))
    if (globalsOf(note).json) return printJson(incident)
    print(`${id}: noted`)
  })
  defineRules(command)
  command.addHelpText(
    'after',
    '\nIncidents open and close by themselves, by rules: runyard incident rules. See docs/failures.md.',
  )
}

interface LsOptions {
  state: string
  all?: boolean
  event?: string
  search?: string
  limit: number
}

function defineAct(command: Command, verb: string, action: 'acknowledge' | 'close', effect: string): void {
  const sub = command.command(verb).argument('<id>').summary(effect)
  sub
    .description(effect)
    .option('-m, --note <text>', 'why')
    .action(async (id: string, { note }: { note?: string }) => {
      const incident = await withServer(sub, ({ client }) => client.calls.incidents.act({ id, action, note }))
      if (globalsOf(sub).json) return printJson(incident)
      print(`${id}: ${incident.state}`)
    })
}

interface RuleOptions {
  channel?: string[]
  channels?: boolean
  repeated?: number
  within?: number
  newPatterns?: boolean
  closeAfter?: number
  quiet?: number
}

function defineRules(command: Command): void {
  const rules = command.command('rules').summary('when incidents open and close, and who hears of it')
  rules
    .description('when incidents open and close, and who hears of it; with options: change that (administrators)')
    .option('--channel <name>', 'told where the event names nobody; may be repeated', (name, all?: string[]) => [
      ...(all ?? []),
      name,
    ])
    .option('--no-channels', 'tell nobody')
    .option('--repeated <n>', 'so many alike open one', parseWithin(2, 1000))
    .option('--within <seconds>', 'within this time', parseWithin(60, 604_800))
    .option('--new-patterns', 'a pattern never seen before opens one')
    .option('--no-new-patterns', 'only repeated ones do')
    .option('--close-after <n>', 'so many successes in a row close it', parseWithin(1, 1000))
    .option('--quiet <seconds>', 'or so long without a failure', parseWithin(60, 2_592_000))
    .action(async (options: RuleOptions) => {
      const change = {
        ...(options.channel !== undefined && { channels: options.channel }),
        ...(options.channels === false && { channels: [] }),
        ...{ repeated_times: options.repeated, repeated_seconds: options.within, new_patterns: options.newPatterns },
        ...{ close_after_successes: options.closeAfter, close_after_seconds: options.quiet },
      }
      const changes = Object.values(change).some((value) => value !== undefined)
      const now = await withServer(rules, ({ client: { calls } }) =>
        changes ? calls.incidents.putRules(change) : calls.incidents.rules(),
      )
      if (globalsOf(rules).json) return printJson(now)
      print(
        `opens  ${now.new_patterns ? 'at a pattern never seen before; ' : ''}at ${now.repeated_times} alike within ${now.repeated_seconds} s`,
      )
      print(
        `closes after ${now.close_after_successes} successes in a row, or ${now.close_after_seconds} s without a failure`,
      )
      print(
        `tells  ${now.channels.length === 0 ? 'nobody, unless the event names a channel' : now.channels.join(', ')}`,
      )
    })
}
