import { randomBytes } from 'node:crypto'
import { Option, type Command } from 'commander'
import { roles, type User } from '../../api/contract/people.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { exitCodes } from '../exit-codes.ts'
import { inOptions } from '../option-words.ts'
import { confirm, readPassword } from '../prompt.ts'
import { notice, print, printJson, table } from '../render.ts'
import { parseWhole, plural, showAgo, showBytes } from '../units.ts'

type Role = (typeof roles)[number]

interface PasswordOptions {
  passwordStdin?: boolean
  generate?: boolean
}

const passwordOptions = (command: Command): Command =>
  command
    .option('--password-stdin', 'read the password from stdin')
    .option('--generate', 'make a password and print it')

export function define(command: Command): void {
  const add = command.command('add').argument('<name>').summary('create a user').description('create a user')
  add.addOption(new Option('--role <role>', 'admin, operator or viewer').choices([...roles]).default('operator'))
  add.option('--max-running <n>', 'jobs that may run at once; 0: none start', parseWhole)
  passwordOptions(add).action(
    async (username: string, options: PasswordOptions & { role: Role; maxRunning?: number }) => {
      const password = await passwordFor(username, options)
      const { role, maxRunning } = options
      const user = await withServer(add, ({ client }) =>
        client.calls.users.create({ username, password, role, max_running: maxRunning }),
      )
      if (globalsOf(add).json) return printJson(options.generate ? { ...user, password } : user)
      print(`Created ${user.username} (${user.role})${options.generate ? `, password: ${password}` : ''}`)
    },
  )

  const ls = command.command('ls').summary('list users').description('list users')
  ls.action(async () => {
    const { users } = await withServer(ls, ({ client }) => client.calls.users.list())
    if (globalsOf(ls).json) return printJson(users)
    const titles = ['NAME', 'ROLE', 'MAX RUNNING', 'OPEN', 'ENDED', 'LOGS', 'LAST SEEN', ''].map((title) => ({
      title,
      shrinks: title === 'NAME',
    }))
    const rows = users.map((user) => [
      user.username,
      user.role,
      String(user.max_running),
      String(user.usage.open_jobs),
      String(user.usage.kept_jobs),
      showBytes(user.usage.log_bytes),
      user.last_seen_at === null ? 'never' : showAgo(user.last_seen_at),
      stateWord(user),
    ])
    process.stdout.write(table(titles, rows))
  })

  const show = command.command('show').argument('[name]', 'yourself when left out').summary('one user, and their size')
  show.description('one user: limits, jobs kept and the size of their logs; others than yourself only as administrator')
  show.action(async (name?: string) => {
    const user = await withServer(show, async ({ client }) =>
      client.calls.users.get({ username: name ?? (await client.calls.me()).username }),
    )
    if (globalsOf(show).json) return printJson(user)
    const { usage } = user
    const most = (limit: number, text: string): string => (limit === 0 ? '' : ` of at most ${text}`)
    const lines = {
      name: user.username,
      role: user.disabled ? `${user.role}, disabled` : user.role,
      created: user.created_at,
      'last seen': user.last_seen_at ?? 'never',
      ...(user.locked_until !== null && { 'locked until': user.locked_until }),
      'running at most': user.max_running,
      'open jobs': usage.open_jobs,
      'ended jobs kept': `${usage.kept_jobs}${most(usage.retain_count, String(usage.retain_count))}`,
      'logs kept': `${showBytes(usage.log_bytes)}${most(usage.retain_bytes, showBytes(usage.retain_bytes))}`,
    }
    for (const [what, value] of Object.entries(lines)) print(`${`${what}:`.padEnd(17)}${value}`)
  })

  const passwd = command.command('passwd').argument('<name>').summary('set a password')
  passwd.description('set a password; ends the sessions and API tokens of that user')
  passwordOptions(passwd).action(async (username: string, options: PasswordOptions) => {
    const password = await passwordFor(username, options)
    await withServer(passwd, ({ client }) => client.calls.users.setPassword({ username, password }))
    if (globalsOf(passwd).json) return printJson(options.generate ? { username, password } : { username })
    print(`Changed the password of ${username}${options.generate ? `: ${password}` : ''}`)
  })

  defineSet(command.command('set').argument('<name>').summary('change role, cap or state'))

  const reset = command.command('reset').argument('<name>').summary('a code to set a new password with')
  reset.description('make a one-time code with which somebody sets a new password; it holds for an hour')
  reset.action(async (username: string) => {
    const { made, url } = await withServer(reset, async ({ client, url: at }) => ({
      made: await client.calls.users.createReset({ username }),
      url: at,
    }))
    if (globalsOf(reset).json) return printJson({ username, ...made })
    print(made.code)
    notice(`${username} uses it at ${url}/reset-password, once, until ${made.expires_at}`)
  })

  const rm = command.command('rm').argument('<name>').summary('delete an account')
  rm.description('delete an account: its open jobs are cancelled, its history stays, its name is not given again')
  rm.option('-y, --yes', 'without asking').action(async (username: string, { yes }: { yes?: boolean }) => {
    const done = await withServer(rm, async ({ client }) => {
      const { usage } = await client.calls.users.get({ username })
      const open = usage.open_jobs === 0 ? '' : ` and cancel ${plural(usage.open_jobs, 'open job')}`
      if (!yes && !(await confirm(`Delete ${username}${open}? The name is not given again.`))) return false
      await client.calls.users.delete({ username })
      return true
    })
    if (!done) process.exitCode = exitCodes.failed
    if (globalsOf(rm).json) return printJson({ username, deleted: done })
    if (done) print(`Deleted ${username}`)
    else notice('nothing was deleted; -y deletes without asking', true)
  })
}

interface SetOptions {
  role?: Role
  maxRunning?: number
  disable?: boolean
  enable?: boolean
  unlock?: boolean
}

function defineSet(set: Command): void {
  set
    .description('change an account; another role and --disable end its sessions and API tokens')
    .addOption(new Option('--role <role>', 'admin, operator or viewer').choices([...roles]))
    .option('--max-running <n>', 'jobs that may run at once; 0: none start', parseWhole)
    .addOption(new Option('--disable', 'nobody signs in with it; open jobs go on').conflicts('enable'))
    .option('--enable', 'as before')
    .option('--unlock', 'after too many wrong passwords')
  set.action(async (username: string, { role, maxRunning, disable, enable, unlock }: SetOptions) => {
    const user = await withServer(set, ({ client }) =>
      client.calls.users.change({
        ...{ username, role, max_running: maxRunning },
        ...((disable || enable) && { disabled: disable === true }),
        ...(unlock && { unlock }),
      }),
    ).catch(inOptions({ role: '--role', max_running: '--max-running' }))
    if (globalsOf(set).json) return printJson(user)
    const state = stateWord(user)
    print(`${user.username}: ${user.role}, ${user.max_running} at once${state === '' ? '' : `, ${state}`}`)
  })
}

const stateWord = (user: Pick<User, 'disabled' | 'locked_until'>): string =>
  user.disabled ? 'disabled' : user.locked_until === null ? '' : `locked until ${user.locked_until.slice(11, 16)} UTC`

async function passwordFor(username: string, options: PasswordOptions): Promise<string> {
  if (options.generate) return randomBytes(15).toString('base64url')
  return readPassword(`Password for ${username}: `, options.passwordStdin === true)
}
