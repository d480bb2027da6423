import { InvalidArgumentError, Option, type Command } from 'commander'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { inOptions } from '../option-words.ts'
import { notice, print, printJson } from '../render.ts'
import { tokenNotes } from '../runner-token.ts'
import { parseDuration, showDuration } from '../units.ts'

interface TokenOptions {
  expires: number
  servers?: string[]
}

/** Adds `token` to the group `runner`. */
export function define(runner: Command): void {
  const token = runner.command('token').argument('[name]', 'the runner’s; else its machine says it')
  token
    .summary('make a token for another machine')
    .description('make a token with which one machine becomes a runner, once; it is shown this once')
    .addOption(new Option('--expires <time>', 'within which it has to be used').argParser(lifetime).default(3600, '1h'))
    .option('--servers <list>', 'host:port,… where the runner reaches the servers (default: what they say)', addresses)
  token.addHelpText(
    'after',
    '\nThe token alone goes to stdout. On the other machine: runyard runner enrol TOKEN, then: runyard runner',
  )
  token.action(async (name: string | undefined, { expires, servers }: TokenOptions) => {
    const made = await withServer(token, ({ client }) =>
      client.calls.runnerTokens.create({ name, expires_in_seconds: Math.round(expires), servers }),
    ).catch(inOptions({ expires_in_seconds: '--expires', servers: '--servers' }))
    const { json, verbose } = globalsOf(token)
    if (json) return printJson(made)
    print(made.token)
    for (const note of tokenNotes(made, name)) process.stderr.write(`runyard: ${note}\n`)
    const left = showDuration(Date.parse(made.expires_at) - Date.now())
    notice(`on the other machine, within ${left}: runyard runner enrol ${made.token}`, verbose)
  })
}

/** As the server has it. */
function lifetime(text: string): number {
  const seconds = parseDuration(text)
  if (seconds >= 60 && seconds <= 604_800) return seconds
  throw new InvalidArgumentError('is not within 1m to 7d')
}

function addresses(text: string): string[] {
  return text.split(',').map((part) => {
    const address = part.trim()
    if (/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):\d{1,5}$/.test(address)) return address
    throw new InvalidArgumentError(`${address || 'nothing'} is not host:port`)
  })
}
