/**
 * The command line. Only the file of the command that was typed is loaded, so that `runyard ls` does not pay for the
 * server's imports.
 */
import { Command, CommanderError } from 'commander'
import { isAppError } from '../lib/app-error.ts'
import { commands, type CommandEntry } from './commands.ts'
import { exitCodeHelp, exitCodes } from './exit-codes.ts'
import { addGlobalOptions } from './globals.ts'
import { leaveWithParent, quietOnBrokenPipe } from './process-life.ts'
import { reportError } from './report-error.ts'
import { version } from './version.ts'

export async function main(argv: string[]): Promise<void> {
  quietOnBrokenPipe()
  leaveWithParent()
  const entry = commands.find(({ name }) => name === commandWord(argv))
  const json = argv.includes('--json')
  try {
    const program = await programFor(entry)
    await program.parseAsync(argv, { from: 'user' })
    process.exit(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    if (error instanceof CommanderError) process.exit(commanderExit(error, entry))
    reportError(error, { json: json && entry?.ownExitCode === undefined })
    process.exit(
      entry?.ownExitCode ??
        (isAppError(error) && error.code === 'invalid_argument' ? exitCodes.usage : exitCodes.failed),
    )
  }
}

/** Values of global options that come before the command are not the command. */
const withValue = new Set(['--server', '--data-dir', '--env-file'])

export function commandWord(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i]!
    if (word === 'help') return argv[i + 1]
    if (withValue.has(word)) i += 1
    else if (!word.startsWith('-')) return word
  }
  return undefined
}

async function programFor(entry: CommandEntry | undefined): Promise<Command> {
  const program = new Command('runyard')
    .description('One place to run any command: isolated, limited, durable, with live output.')
    .usage('COMMAND [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', `\n${exitCodeHelp}\n\nFirst steps: runyard doctor; runyard run -- echo hello; runyard up`)
  addGlobalOptions(program)
  for (const each of commands) {
    const command = program.command(each.name, { hidden: each.hidden ?? false }).summary(each.summary)
    command.description(each.summary).helpOption('-h, --help', 'print help').exitOverride()
    if (each === entry) (await each.load()).define(command)
    // Also after the command, where people write them: `runyard ls --json`.
    for (const target of command.commands.length > 0 ? command.commands : [command]) addGlobalOptions(target)
  }
  return program
}

function commanderExit(error: CommanderError, entry: CommandEntry | undefined): number {
  if (error.exitCode === 0) return exitCodes.ok
  return entry?.ownExitCode ?? exitCodes.usage
}
