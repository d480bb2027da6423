import { InvalidArgumentError, type Command } from 'commander'
import { tokenScopes, type TokenScope } from '../../api/contract/people.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { inOptions } from '../option-words.ts'
import { notice, print, printable, printJson, table } from '../render.ts'
import { parseDuration, showAgo } from '../units.ts'

export function define(command: Command): void {
  const create = command.command('create').argument('<name>', 'what it is for').summary('create a token')
  create.description('create an API token of your own; it is shown this once')
  create
    .option('--expires <time>', 'ends after this time, in whole days: 30d', parseDays)
    .option('--scope <scopes>', 'less than all that you may, e.g. jobs:write,queues:read', parseScopes, [])
  create.addHelpText('after', `\nScopes: ${tokenScopes.join(' ')}\nname:write includes name:read.`)
  create.action(async (name: string, { expires, scope }: { expires?: number; scope: TokenScope[] }) => {
    const made = await withServer(create, ({ client }) =>
      client.calls.tokens.create({ name, expires_in_days: expires, ...(scope.length > 0 && { scopes: scope }) }),
    ).catch(inOptions({ expires_in_days: '--expires', scopes: '--scope' }))
    if (globalsOf(create).json) return printJson(made)
    print(made.token)
  })

  const ls = command.command('ls').summary('list tokens').description('list your API tokens')
  ls.action(async () => {
    const { tokens } = await withServer(ls, ({ client }) => client.calls.tokens.list())
    if (globalsOf(ls).json) return printJson(tokens)
    if (tokens.length === 0) return notice('no token yet: runyard token create NAME')
    const titles = ['ID', 'NAME', 'SCOPES', 'CREATED', 'ENDS', 'LAST USED'].map((title) => ({
      title,
      shrinks: title === 'SCOPES',
    }))
    const rows = tokens.map((token) => [
      token.id,
      printable(token.name),
      token.scopes?.join(' ') ?? 'all',
      showAgo(token.created_at),
      token.expires_at?.slice(0, 10) ?? 'never',
      token.last_used_at === null ? 'never' : showAgo(token.last_used_at),
    ])
    process.stdout.write(table(titles, rows))
  })

  const revoke = command.command('revoke').alias('rm').argument('<id>', 'from `token ls`').summary('revoke a token')
  revoke.description('revoke one of your API tokens').action(async (id: string) => {
    await withServer(revoke, ({ client }) => client.calls.tokens.delete({ id }))
    if (globalsOf(revoke).json) return printJson({ id, revoked: true })
    print(`Revoked ${id}`)
  })
}

/** Whole days, as the server has it. */
export function parseDays(text: string): number {
  const days = parseDuration(text) / 86_400
  if (Number.isInteger(days) && days >= 1 && days <= 3650) return days
  throw new InvalidArgumentError('is not within 1d to 3650d, in whole days')
}

/** Given several times, all of them count. */
export const parseScopes = (text: string, before: TokenScope[]): TokenScope[] => [
  ...before,
  ...text.split(',').map((part) => {
    const found = tokenScopes.find((scope) => scope === part.trim())
    if (found === undefined) throw new InvalidArgumentError(`${part} is none of ${tokenScopes.join(', ')}`)
    return found
  }),
]
