import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { deadLetterTable } from '../failure-view.ts'
import { globalsOf } from '../globals.ts'
import { agreed, refuseUnasked } from '../prompt.ts'
import { notice, print, printJson } from '../render.ts'
import { parseWithin, plural } from '../units.ts'

type Calls = ApiClient['calls']
type Acted = Awaited<ReturnType<Calls['deadLetters']['act']>>
type Filters = NonNullable<Parameters<Calls['deadLetters']['act']>[0]['all']>

interface FilterOptions {
  group?: string
  event?: string
  queue?: string
  search?: string
}

export function define(command: Command): void {
  defineLs(command)
  defineAct(command, 'redrive', 'do failed jobs again: their event, their pipeline’s run from what failed, or the job')
  defineAct(command, 'dismiss', 'take failed jobs off the list; they stay as they are')
  command.addHelpText('after', '\nJobs that spent their attempts are listed until then. See docs/failures.md.')
}

const withFilters = (command: Command): Command =>
  command
    .option('--group <id>', 'of one group of failures that are alike')
    .option('--event <name>', 'of one event, by name or id')
    .option('--queue <name>', 'of one queue')
    .option('--search <text>', 'part of the name or the error')

const filtersOf = ({ group, event, queue, search }: FilterOptions): Filters => ({ group, event, queue, search })

function defineLs(command: Command): void {
  const ls = withFilters(
    command.command('ls').summary('list failed jobs').description('list failed jobs, newest first'),
  )
  ls.option('--state <states>', 'open, redriven, dismissed; open when left out')
    .option('--since <time>', 'failed at or after, e.g. 2026-03-01T00:00:00Z')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 50)
    .action(
      async ({
        state,
        since,
        limit,
        ...filters
      }: FilterOptions & { state?: string; since?: string; limit: number }) => {
        const query = { ...filtersOf(filters), state, since, limit }
        const { dead_letters: letters, open } = await withServer(ls, ({ client }) =>
          client.calls.deadLetters.list(query),
        )
        if (globalsOf(ls).json) return printJson(letters)
        if (letters.length === 0) return notice(`no failed job here; ${open} open in all`)
        process.stdout.write(deadLetterTable(letters))
      },
    )
}

interface ActOptions extends FilterOptions {
  all?: boolean
  yes?: boolean
}

function defineAct(command: Command, verb: 'redrive' | 'dismiss', effect: string): void {
  const sub = withFilters(command.command(verb).argument('[jobs...]', 'ids of failed jobs').summary(effect))
  sub
    .description(effect)
    .option('--all', 'all open ones, or those that the filters give')
    .option('-y, --yes', 'with --all: do it without asking')
    .action(async (jobs: string[], { all, yes, ...given }: ActOptions) => {
      const filters = filtersOf(given)
      const filtered = Object.values(filters).some((value) => value !== undefined)
      if (jobs.length > 0 === (all === true) || (filtered && all !== true)) {
        throw new AppError('invalid_argument', `name jobs, or say --all (with filters): runyard dead ${verb} --all`)
      }
      if (all === true) refuseUnasked(yes, allAgain(verb, filters))
      const acted = await withServer(sub, async ({ client: { calls } }) => {
        if (all !== true) return calls.deadLetters.act({ action: verb, jobs })
        const question = async (): Promise<string> => {
          const { dead_letters: some, next_cursor: more } = await calls.deadLetters.list({ ...filters, limit: 200 })
          return `${verb === 'redrive' ? 'Redrive' : 'Dismiss'} ${more === null ? plural(some.length, 'job') : 'more than 200 jobs'}?`
        }
        return (await agreed(yes, question)) ? actOnAll(calls, verb, filters) : null
      })
      if (acted === null) return
      if (acted.refused.length > 0) process.exitCode = exitCodes.failed
      if (globalsOf(sub).json) return printJson(acted)
      for (const { job_id: id, redriven_as: as } of acted.done) print(as === null ? id : `${id} -> ${as}`)
      for (const { job_id: id, reason } of acted.refused) notice(`${id}: ${reason}`, true)
    })
}

/** As it was typed: without its filters it would take all there are. */
export function allAgain(verb: 'redrive' | 'dismiss', filters: Filters): string {
  const given = Object.entries(filters).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, `'${String(value).replaceAll("'", "'\\''")}'`],
  )
  return ['runyard', 'dead', verb, '--all', ...given].join(' ')
}

async function actOnAll(calls: Calls, action: 'redrive' | 'dismiss', all: Filters): Promise<Omit<Acted, 'more'>> {
  const done: Acted['done'] = []
  const refused = new Map<string, Acted['refused'][number]>()
  for (let more = true; more;) {
    const acted = await calls.deadLetters.act({ action, all })
    done.push(...acted.done)
    for (const one of acted.refused) refused.set(one.job_id, one)
    more = acted.more
  }
  return { done, refused: [...refused.values()] }
}
