/** What `runyard var` and `runyard secret` share: the same store, but for what is shown. */
import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import type { ApiClient } from '../api/client.ts'
import type { Variable } from '../api/contract/index.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { withServer } from './connect.ts'
import { globalsOf } from './globals.ts'
import { inOptions } from './option-words.ts'
import { agreed, ask, readPassword, refuseUnasked } from './prompt.ts'
import { notice, print, printable, printJson, table } from './render.ts'
import { parseWithin, showAgo } from './units.ts'

export type VariableKind = 'var' | 'secret'
type Calls = ApiClient['calls']['variables']
type Scope = Variable['scope']

const noun = { var: 'variable', secret: 'secret' } as const
const scopeOf = ({ global }: { global?: boolean }): Scope => (global ? 'global' : 'user')

export function defineVariableCommands(command: Command, kind: VariableKind): void {
  defineLs(command, kind)
  if (kind === 'var') defineGet(command)
  defineSet(command, kind)
  defineRm(command, kind)
}

interface LsOptions {
  scope?: Scope
  search?: string
  limit: number
}

function defineLs(command: Command, kind: VariableKind): void {
  const ls = command.command('ls').summary(`list ${noun[kind]}s`)
  ls.description(`list your ${noun[kind]}s and the global ones, by name`)
    .addOption(new Option('--scope <scope>', 'only yours, or only global ones').choices(['user', 'global']))
    .option('--search <text>', 'part of the name')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 10_000), 200)
    .action(async ({ scope, search, limit }: LsOptions) => {
      const query = { scope, search, secret: kind === 'secret' }
      const found = await withServer(ls, ({ client }) => listAll(client.calls.variables, query, limit))
      if (globalsOf(ls).json) return printJson(found)
      if (found.length === 0) return notice(`no ${noun[kind]}; runyard ${kind} set NAME`)
      process.stdout.write(kind === 'var' ? variableTable(found) : secretTable(found))
    })
}

async function listAll(calls: Calls, query: object, limit: number): Promise<Variable[]> {
  const found: Variable[] = []
  let cursor: string | undefined
  do {
    const page = await calls.list({ ...query, limit: Math.min(200, limit - found.length), ...(cursor && { cursor }) })
    found.push(...page.variables)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && found.length < limit)
  return found
}

function defineGet(command: Command): void {
  const get = command.command('get').argument('<name>').summary('print the value of a variable')
  get
    .description('print the value of a variable: yours, else the global one of that name')
    .option('--global', 'the global one')
    .action(async (name: string, options: { global?: boolean }) => {
      const variable = await withServer(get, async ({ client: { calls } }) => {
        if (options.global) return calls.variables.get({ scope: 'global', name })
        return calls.variables.get({ scope: 'user', name }).catch((error: unknown) => {
          if (!isAppError(error) || error.code !== 'not_found') throw error
          return calls.variables.get({ scope: 'global', name })
        })
      })
      if (globalsOf(get).json) return printJson(variable)
      if (variable.value === null) throw wrong(`${name} is a secret: its value is never shown`)
      print(variable.value)
    })
}

interface SetOptions {
  global?: boolean
  description?: string
  ifVersion?: string
  exact?: boolean
}

function defineSet(command: Command, kind: VariableKind): void {
  const set = command.command('set').argument('<name>').argument('[value]', valueWords[kind])
  set
    .summary(`make or change a ${noun[kind]}`)
    .description(`make or change a ${noun[kind]}: yours, or with --global everybody’s (administrators)`)
    .option('--global', `for the events of all`)
    .option('--description <text>', 'for people; alone it leaves the value as it is')
    .option('--exact', 'keep a newline at the end of stdin or of the file')
    .option('--if-version <n>', 'only when it is still at this version; 0: only when there is none')
    .action(async (name: string, word: string | undefined, options: SetOptions) => {
      const value = await givenValue(kind, word, options)
      const put = {
        ...{ scope: scopeOf(options), name, secret: kind === 'secret' },
        ...(value !== undefined && { value }),
        ...(options.description !== undefined && { description: options.description }),
        ...(options.ifVersion !== undefined && { expect_version: options.ifVersion }),
      }
      const variable = await withServer(set, ({ client }) => client.calls.variables.put(put)).catch(
        inOptions({ expect_version: '--if-version' }),
      )
      if (globalsOf(set).json) return printJson(variable)
      notice(`${name}: version ${variable.version}, ${variable.bytes} bytes`, globalsOf(set).verbose)
    })
  set.addHelpText('after', `\n${examples[kind]}`)
}

const valueWords = {
  var: 'its text; - is stdin, @FILE a file; left out it is asked for',
  secret: '- is stdin, @FILE a file; left out it is asked for',
} as const
const examples = {
  var:
    'Examples:\n  $ runyard var set region eu-1\n  $ runyard var set report @report.json\n' +
    '  $ runyard var set --global motd -  < motd.txt',
  secret:
    'Examples:\n  $ runyard secret set api_token                  asks, and shows nothing\n' +
    '  $ pass show api | runyard secret set api_token -\n  $ runyard secret set --global deploy_key @id_ed25519 --exact',
} as const

/** Undefined: only something else of it changes. */
async function givenValue(
  kind: VariableKind,
  word: string | undefined,
  { description, exact }: SetOptions,
): Promise<string | undefined> {
  if (word === undefined) {
    if (description !== undefined) return undefined
    if (!process.stdin.isTTY) throw wrong('no terminal to ask on: give the value as - (stdin) or @FILE')
    return kind === 'secret' ? readPassword('Value: ', false) : ask('Value: ')
  }
  if (word === '-') return ended(await readStream(process.stdin), exact)
  if (word.startsWith('@')) return ended(await contentOf(word.slice(1)), exact)
  // Every process of the machine reads command lines, and the shell keeps them.
  if (kind === 'secret')
    throw wrong('a secret is not given on the command line: leave it out, or use - (stdin) or @FILE')
  return word
}

const ended = (text: string, exact = false): string => (exact ? text : text.replace(/\r?\n$/, ''))

async function contentOf(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path))
  } catch (error) {
    const why = error instanceof TypeError ? 'it is no UTF-8 text; encode it, e.g. base64' : (error as Error).message
    throw wrong(`cannot read the value from ${path}: ${why}`)
  }
}

function defineRm(command: Command, kind: VariableKind): void {
  const rm = command.command('rm').argument('<name>').summary(`delete a ${noun[kind]}`)
  rm.description(`delete a ${noun[kind]}`)
    .option('--global', 'the global one (administrators)')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, options: { global?: boolean; yes?: boolean }) => {
      const scope = scopeOf(options)
      refuseUnasked(options.yes, `runyard ${kind} rm ${options.global ? '--global ' : ''}${name}`)
      const deleted = await withServer(rm, async ({ client: { calls } }) => {
        const question = async (): Promise<string> => {
          const { used_by: users } = await calls.variables.get({ scope, name })
          return `Delete ${scope === 'global' ? 'the global ' : ''}${name}?${usedWords(users)}`
        }
        if (!(await agreed(options.yes, question))) return false
        await calls.variables.delete({ scope, name })
        return true
      })
      if (globalsOf(rm).json) return printJson({ name, scope, deleted })
      if (deleted) notice(`deleted ${name}`, globalsOf(rm).verbose)
    })
}

const usedWords = (events: readonly string[]): string =>
  events.length === 0 ? '' : ` It is used by ${events.map(printable).join(', ')}.`

const scopeWord = ({ scope }: Variable): string => (scope === 'global' ? 'global' : 'yours')

function variableTable(variables: Variable[]): string {
  const titles = ['NAME', 'SCOPE', 'VALUE', 'VERSION', 'CHANGED', 'BY']
  const rows = variables.map((one) => [
    ...[one.name, scopeWord(one), printable(one.value ?? ''), one.version, showAgo(one.updated_at)],
    printable(one.updated_by),
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'VALUE' })),
    rows,
  )
}

function secretTable(secrets: Variable[]): string {
  const titles = ['NAME', 'SCOPE', 'USED BY', 'CHANGED', 'LAST USED']
  const rows = secrets.map((one) => [
    ...[one.name, scopeWord(one), one.used_by.map(printable).join(', '), showAgo(one.updated_at)],
    one.last_read_at === null ? 'never' : showAgo(one.last_read_at),
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'USED BY' })),
    rows,
  )
}

const wrong = (message: string): AppError => new AppError('invalid_argument', message)
