import { hostname } from 'node:os'
import type { Command } from 'commander'
import { createApiClient } from '../../api/client.ts'
import { AppError } from '../../lib/app-error.ts'
import { findLocal } from '../instance/find-local.ts'
import { configOf, globalsOf } from '../globals.ts'
import { ask, readPassword } from '../prompt.ts'
import { profileWish, saveProfile, showLogins } from '../login-profiles.ts'
import { print, printJson } from '../render.ts'
import { readLogins, serverUrl, writeLogins, type SavedLogin } from '../saved-logins.ts'
import { parseWhole } from '../units.ts'

interface LoginOptions {
  list?: boolean
  username?: string
  passwordStdin?: boolean
  tokenStdin?: boolean
  days: number
}

export function define(command: Command): void {
  command
    .argument(
      '[url]',
      'the server, e.g. https://runyard.example:8000, or host:port with --cert (default: this machine’s)',
    )
    .option('-u, --username <name>', 'who signs in')
    .option('--password-stdin', 'read the password from stdin')
    .option('--token-stdin', 'read an API token from stdin instead of signing in')
    .option('--days <n>', 'how long the login holds', parseWhole, 90)
    .option('--list', 'show the saved logins instead')
  command.addHelpText(
    'after',
    '\nKeeps an API token, never the password. From then on commands talk to that server, until `logout`.\n' +
      'With --cert it keeps where the certificate is, and commands speak gRPC: runyard login --cert ann.crt host:50051',
  )
  command.action(async (given: string | undefined, options: LoginOptions) => {
    if (options.list) return showLogins(globalsOf(command).json)
    const profile = await profileWish(command, given)
    if (profile !== undefined) return saveProfile(profile, globalsOf(command).json)
    const url = await serverFor(command, given)
    const login = options.tokenStdin ? await withToken(url) : await withPassword(url, options)
    const logins = await readLogins()
    const file = await writeLogins({ current: url, servers: { ...logins.servers, [url]: login } })
    if (globalsOf(command).json) return printJson({ server: url, username: login.username })
    print(`Signed in to ${url} as ${login.username}; kept in ${file}`)
  })
}

async function serverFor(command: Command, given: string | undefined): Promise<string> {
  const config = configOf(command)
  const named = given ?? config.server
  if (named !== undefined) return serverUrl(named)
  const local = await findLocal(config, { start: 'no', runner: false })
  if (local === undefined) throw new AppError('invalid_argument', 'name the server: runyard login URL')
  await local.leave()
  return serverUrl(local.url)
}

async function withToken(url: string): Promise<SavedLogin> {
  const token = (await readPassword('', true)).trim()
  const { username } = await createApiClient({ baseUrl: url, token }).calls.me()
  return { token, username }
}

async function withPassword(url: string, options: LoginOptions): Promise<SavedLogin> {
  if (options.username === undefined && options.passwordStdin) {
    throw new AppError('invalid_argument', '--password-stdin needs --username')
  }
  const username = options.username ?? (await ask('Username: ')).trim()
  const password = await readPassword('Password: ', options.passwordStdin === true)
  const granted = await createApiClient({ baseUrl: url }).passwordGrant(username, password)
  const client = createApiClient({ baseUrl: url, token: granted.access_token })
  const name = `command line on ${hostname()}`.slice(0, 100)
  const made = await client.calls.tokens.create({ name, expires_in_days: options.days })
  return { token: made.token, token_id: made.id, username }
}
