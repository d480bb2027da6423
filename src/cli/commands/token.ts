import type { Command } from 'commander'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { notice, print, printable, printJson, table } from '../render.ts'
import { parseWhole, showAgo } from '../units.ts'

export function define(command: Command): void {
  const create = command.command('create').argument('<name>', 'what it is for').summary('create a token')
  create.description('create an API token of your own; it is shown this once')
  create
    .option('--days <n>', 'ends after so many days', parseWhole)
    .action(async (name: string, options: { days?: number }) => {
      const made = await withServer(create, ({ client }) =>
        client.calls.tokens.create({ name, expires_in_days: options.days }),
      )
      if (globalsOf(create).json) return printJson(made)
      print(made.token)
    })

  const ls = command.command('ls').summary('list tokens').description('list your API tokens')
  ls.action(async () => {
    const { tokens } = await withServer(ls, ({ client }) => client.calls.tokens.list())
    if (globalsOf(ls).json) return printJson(tokens)
    if (tokens.length === 0) return notice('no token yet: runyard token create NAME')
    const titles = ['ID', 'NAME', 'CREATED', 'ENDS', 'LAST USED'].map((title) => ({ title, shrinks: title === 'NAME' }))
    const rows = tokens.map((token) => [
      token.id,
      printable(token.name),
      showAgo(token.created_at),
      token.expires_at?.slice(0, 10) ?? 'never',
      token.last_used_at === null ? 'never' : showAgo(token.last_used_at),
    ])
    process.stdout.write(table(titles, rows))
  })

  const revoke = command.command('revoke').argument('<id>', 'from `token ls`').summary('revoke a token')
  revoke.description('revoke one of your API tokens').action(async (id: string) => {
    await withServer(revoke, ({ client }) => client.calls.tokens.delete({ id }))
    if (globalsOf(revoke).json) return printJson({ id, revoked: true })
    print(`Revoked ${id}`)
  })
}
