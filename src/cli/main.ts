/**
 * The command line. Only the file of the command that was typed is loaded, so that `runyard ls` does not pay for the
 * server's imports.
 */
import { Command, CommanderError } from 'commander'
import { isAppError } from '../lib/app-error.ts'
import { commands, type CommandEntry } from './commands.ts'
import { exitCodeHelp, exitCodes } from './exit-codes.ts'
import { addGlobalOptions } from './globals.ts'
import { sayJobField } from './job-flags.ts'
import { allWritten, leaveWithParent, quietOnBrokenPipe } from './process-life.ts'
import { ReaderGone } from './raw-output.ts'
import { reportError } from './report-error.ts'
import { unknownCommand, usageError, wantsJson } from './usage-error.ts'
import { version } from './version.ts'

export async function main(argv: string[]): Promise<void> {
  quietOnBrokenPipe()
  leaveWithParent()
  const code = await outcomeOf(argv)
  // Leaving cuts off what a slow reader has not taken yet.
  await allWritten()
  process.exit(code)
}

/** Their arguments are a command line of its own, and a refusal is about its options. */
const submitting = new Set(['run', 'start'])

async function outcomeOf(argv: string[]): Promise<number> {
  const word = commandWord(argv)
  const entry = commands.find(({ name }) => name === word)
  const ofJob = entry !== undefined && submitting.has(entry.name)
  let json = wantsJson(argv, undefined, false)
  try {
    if (word === 'exit-codes' && argv.includes('help')) {
      process.stdout.write(`${exitCodeHelp}\n`)
      return exitCodes.ok
    }
    if (word !== undefined && word !== 'help' && entry === undefined)
      throw unknownCommand(
        word,
        commands.filter(({ hidden }) => !hidden).map(({ name }) => name),
      )
    const program = await programFor(entry, () => json)
    const command = program.commands.find((each) => each.name() === word)
    json = wantsJson(argv, command ?? program, ofJob)
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    if (error instanceof ReaderGone) return exitCodes.brokenPipe
    const told = error instanceof CommanderError ? usageError(error) : error
    if (told === undefined) return exitCodes.ok
    // Without --json the help is the answer to a missing command.
    const helped = error instanceof CommanderError && error.code === 'commander.help' && !json
    if (!helped) reportError(told, { json, sayField: ofJob ? sayJobField(argv) : undefined })
    return (
      entry?.ownExitCode ?? (isAppError(told) && told.code === 'invalid_argument' ? exitCodes.usage : exitCodes.failed)
    )
  }
}

/** Values of global options that come before the command are not the command. */
const withValue = new Set(['--server', '--cert', '--key', '--ca', '--data-dir', '--settings'])

export function commandWord(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i]!
    if (word === 'help') return argv[i + 1]
    if (withValue.has(word)) i += 1
    else if (!word.startsWith('-')) return word
  }
  return undefined
}

/** With the options of the command that was typed; the others are names alone. */
export async function programFor(entry: CommandEntry | undefined, json: () => boolean): Promise<Command> {
  const program = new Command('runyard')
    .description('One place to run any command: isolated, limited, durable, with live output.')
    .usage('COMMAND [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    // Complaints are told once, by us.
    .configureOutput({ outputError: () => {}, writeErr: (text) => void (json() || process.stderr.write(text)) })
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
