import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { SuggestedLimits } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { publicIdPattern } from '../../lib/ids.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { notice, paint, print, printable, printJson, table } from '../render.ts'
import { showAgo, showBytes } from '../units.ts'

type Query = Parameters<ApiClient['calls']['limits']['suggest']>[0]

interface Options {
  event?: string
  pipeline?: string
  task?: string
  owner?: string
}

export function define(command: Command): void {
  command
    .description('memory and CPU limits that would do, by what the last 200 attempts used')
    .argument('[name]', 'name of jobs, or the id of one')
    .option('--event <name>', 'of an event')
    .option('--pipeline <name>', 'of a pipeline, with --task')
    .option('--task <name>', 'of its task')
    .option('--owner <user>', 'jobs of this user (default: your own)')
    .addHelpText(
      'after',
      '\nExamples:\n  runyard suggest build\n  runyard suggest --event nightly\n  runyard suggest --pipeline release --task test\n\nSee docs/limits.md.',
    )
    .action(async (name: string | undefined, options: Options) => {
      const query = queryOf(name, options)
      const found = await withServer(command, ({ client }) => client.calls.limits.suggest(query))
      if (globalsOf(command).json) return printJson(found)
      if (found.memory === null && found.cpu === null) {
        return notice(`${printable(found.of)}: ${found.attempts} attempts told what they used; five are needed`, true)
      }
      print(`${printable(found.of)}: ${found.attempts} attempts${found.since ? ` since ${showAgo(found.since)}` : ''}`)
      process.stdout.write(suggestionTable(found))
      for (const text of [found.memory?.text, found.cpu?.text]) if (text) print(paint('yellow', text))
    })
}

function queryOf(name: string | undefined, { event, pipeline, task, owner }: Options): Query {
  if ([name, event, pipeline].filter((one) => one !== undefined).length !== 1) {
    throw new AppError('invalid_argument', 'give the name of jobs, --event, or --pipeline with --task')
  }
  if (name === undefined) return event === undefined ? { pipeline, task } : { event }
  return publicIdPattern.test(name) ? { job: name } : { name, owner }
}

export function suggestionTable({ memory, cpu }: SuggestedLimits): string {
  const cores = (value: number): string => String(Number(value.toFixed(2)))
  const row = (what: string, one: SuggestedLimits['cpu'], say: (value: number) => string): string[][] =>
    one === null
      ? []
      : [[what, say(one.p95), say(one.most), one.limit === null ? '' : say(one.limit), say(one.suggested)]]
  return table(
    ['LIMIT', '95 % USE', 'MOST', 'NOW', 'SUGGESTED'].map((title) => ({ title })),
    [...row('--memory', memory, showBytes), ...row('--cpu', cpu, cores)],
  )
}
