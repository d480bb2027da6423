import { randomBytes } from 'node:crypto'
import { Option, type Command } from 'commander'
import { roles } from '../../api/contract/people.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { readPassword } from '../prompt.ts'
import { print, printJson, table } from '../render.ts'
import { parseWhole, showAgo, showBytes } from '../units.ts'

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
  add.option('--max-running <n>', 'jobs that may run at once', parseWhole)
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
    const titles = ['NAME', 'ROLE', 'MAX RUNNING', 'OPEN', 'ENDED', 'LOGS', 'CREATED', ''].map((title) => ({
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
      showAgo(user.created_at),
      user.disabled ? 'disabled' : '',
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
}

async function passwordFor(username: string, options: PasswordOptions): Promise<string> {
  if (options.generate) return randomBytes(15).toString('base64url')
  return readPassword(`Password for ${username}: `, options.passwordStdin === true)
}
