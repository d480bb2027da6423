import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { effectiveConfig, type Config } from '../../config/config.ts'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { configOf, globalsOf } from '../globals.ts'
import { ensureOwnDir } from '../instance/own-dir.ts'
import { notice, print, printJson } from '../render.ts'
import { showEnd } from '../units.ts'

interface EnrolOptions {
  tokenFile?: string
  force?: boolean
}

/** Adds `enrol` to the group `runner`. */
export function define(runner: Command): void {
  const enrol = runner.command('enrol').argument('[token]', 'from `runner token`; - reads it from stdin')
  enrol
    .summary('make this machine a runner')
    .description('make this machine a runner of servers elsewhere, with a token of theirs; the key is made here')
    .option('--token-file <file>', 'read the token from this file')
    .option('--name <name>', 'what the runner is called (default: what the token says, else this host’s name)')
    .option('--server <addresses>', 'host:port of the servers (default: what the token says)')
    .option('--force', 'in the place of what this machine was before')
  enrol.action(async (token: string | undefined, options: EnrolOptions) => {
    const made = await enrolThisMachine(configOf(enrol), await tokenText(token, options.tokenFile), options)
    if (globalsOf(enrol).json) return printJson(made)
    print(`This machine is the runner ${made.name} now, until ${showEnd(made.ends_at)}; it renews that by itself.`)
    notice('next: runyard runner')
  })
}

async function tokenText(token: string | undefined, file: string | undefined): Promise<string> {
  if ((token === undefined) === (file === undefined)) {
    throw new AppError('invalid_argument', 'token: give one, as an argument, with - on stdin, or with --token-file', {
      fields: [{ field: 'token', message: 'is wanted once' }],
    })
  }
  if (token === '-') return text(process.stdin)
  if (token !== undefined) return token
  return readFile(file!, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('invalid_argument', `--token-file: cannot read ${file} (${cause.code})`, { cause })
  })
}

async function enrolThisMachine(config: Config, word: string, { force = false }: EnrolOptions) {
  const [joining, { decodeJoinToken }] = await Promise.all([
    import('../../runner/joining.ts'),
    import('../../x509/join-token.ts'),
  ])
  const token = decodeJoinToken(word)
  const servers = joining.parseServers(config.server ?? token.servers.join(','))
  await ensureOwnDir('data', config.dataDir)
  const directory = joining.identityDir(config.dataDir)
  const look = () => joining.inspectCredentials(joining.filesIn(directory))
  // Before the token is spent.
  if (!force && (await joining.readIdentity(config.dataDir)) !== null) {
    const { name } = await look()
    throw new AppError('conflict', `this machine is the runner ${name} already: --force replaces that`)
  }
  const enrolled = await joining
    .enrol(token, { name: wishedName(config, token.name), servers })
    .catch((error: unknown) => {
      throw inWords(error)
    })
  await joining.writeIdentity(config.dataDir, { ...enrolled, servers }, force)
  const { name, notAfter } = await look()
  return { name, ends_at: notAfter.toISOString(), directory }
}

/** Empty: as the token says. */
function wishedName(config: Config, tokenName: string | null): string {
  const { source } = effectiveConfig(config).find(({ setting }) => setting === 'runnerName')!
  return source === 'default' && tokenName !== null ? '' : config.runnerName
}

function inWords(error: unknown): unknown {
  if (!isAppError(error)) return error
  if (error.code === 'unauthenticated') {
    const words = 'the token does not hold: it was used, has ended or was revoked; make another: runyard runner token'
    return new AppError(error.code, words, { cause: error })
  }
  if (error.code === 'unavailable' || error.code === 'deadline_exceeded') {
    return new AppError(error.code, `no server could be asked: ${error.message}`, { cause: error })
  }
  // The server's word for what is an option here.
  const refused = /^name (?=is |has )/
  return refused.test(error.message)
    ? new AppError(error.code, error.message.replace(refused, '--name '), { cause: error })
    : error
}
