/** Commander's complaints in our words: `--memory: "abc" is not a size`, one shape for people and for programs. */
import type { Command, CommanderError } from 'commander'
import { nearest } from '../config/nearest.ts'
import { AppError } from '../lib/app-error.ts'

/** Undefined: nothing to complain about, help was shown instead. */
export function usageError(error: CommanderError): AppError | undefined {
  if (error.exitCode === 0) return undefined
  if (error.code === 'commander.help') return new AppError('invalid_argument', 'name a command; --help lists them')
  return new AppError('invalid_argument', ownWords(error.message.replace(/^error: /, '')))
}

function ownWords(message: string): string {
  const option = /^option '(.+?)' argument '([\s\S]*)' is invalid\. ([\s\S]*)$/.exec(message)
  const argument = /^command-argument value '([\s\S]*)' is invalid for argument '(.+?)'\. ([\s\S]*)$/.exec(message)
  if (option !== null) {
    const [, flags = '', value = '', why = ''] = option
    return `${/--[\w-]+/.exec(flags)?.[0] ?? flags}: ${withValue(value, why)}`
  }
  if (argument === null) return message
  const [, value = '', name = '', why = ''] = argument
  return `${name}: ${withValue(value, why)}`
}

function withValue(value: string, why: string): string {
  const choices = /^Allowed choices are (.+)\.$/.exec(why)?.[1]
  if (choices !== undefined) return `"${value}" is none of ${choices}`
  // Other reasons do not repeat the value: it may be a secret.
  return why.startsWith('is ') ? `"${value}" ${why}` : why
}

export function unknownCommand(word: string, known: readonly string[]): AppError {
  const near = word.length > 2 ? nearest(word, known) : undefined
  const close = near !== undefined && near[0] === word[0] ? `; did you mean ${near}?` : ''
  return new AppError('invalid_argument', `unknown command '${word}'${close} (runyard --help lists all)`)
}

/**
 * Whether --json was meant for us. Words after `--`, and for `run` and `start` all from the job's own command on, are
 * the job's. Not asked of commander: it stops at the first mistake, which may come before the flag.
 */
export function wantsJson(argv: readonly string[], command: Command | undefined, ownsRest: boolean): boolean {
  let operands = 0
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i]!
    if (word === '--') return false
    if (word === '--json') return true
    if (!word.startsWith('-')) {
      operands += 1
      // The first one is our command's name.
      if (ownsRest && operands === 2) return false
      continue
    }
    const option = command?.options.find(({ long, short }) => long === word || short === word)
    if (option?.required) i += 1
  }
  return false
}
