import { Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { Webhook } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer, type Connection } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { confirm } from '../prompt.ts'
import { notice, paint, print, printable, printJson, table } from '../render.ts'
import { secretWord } from '../secret-word.ts'
import { parseWithin, showAgo } from '../units.ts'

type Scheme = NonNullable<Parameters<ApiClient['calls']['webhooks']['create']>[0]['scheme']>

const schemes: Scheme[] = ['standard', 'github']
const ofEvent = 'of the event, or its id'

export function define(command: Command): void {
  const ls = command.command('ls').argument('[event]', 'only those of this one, by name or id')
  ls.summary('list webhooks').description('list webhooks of one event, or of all that you may change')
  ls.action(async (event: string | undefined) => {
    const { shown } = await withServer(ls, async (server) => {
      const { calls } = server.client
      const { webhooks } = await (event === undefined ? calls.webhooks.all() : calls.webhooks.list({ event }))
      return { shown: webhooks.map((one) => ({ ...one, url: addressOf(one, server) })) }
    })
    if (globalsOf(ls).json) return printJson(shown)
    if (shown.length === 0) return notice('no webhook; runyard webhook create EVENT NAME')
    process.stdout.write(webhookTable(shown))
  })
  defineCreate(command)
  defineRotate(command)
  defineSwitch(command, 'disable', false)
  defineSwitch(command, 'enable', true)
  defineRm(command)
  defineDeliveries(command)
  command.addHelpText(
    'after',
    '\nExample:\n  runyard webhook create deploy github --scheme github\n\nHow senders sign: docs/webhooks.md.',
  )
}

/** As senders reach it: the server's public address, else the one that was asked. */
const addressOf = ({ url }: Webhook, { url: base }: Pick<Connection, 'url'>): string | null =>
  url === null || /^https?:/.test(url) ? url : `${base.replace(/\/+$/, '')}${url}`

const webhookTable = (webhooks: Webhook[]): string =>
  table(
    ['EVENT', 'NAME', 'SCHEME', 'USED', 'STATE', 'ADDRESS'].map((title) => ({ title, shrinks: title === 'ADDRESS' })),
    webhooks.map((one) => [
      ...[printable(one.event.name), one.name, one.scheme, one.last_used_at === null ? '' : showAgo(one.last_used_at)],
      one.enabled ? `${one.per_minute}/min` : paint('yellow', 'disabled'),
      one.url ?? '',
    ]),
  )

/** The secret is not shown again. */
function printMade(made: Webhook & { secret: string }): void {
  if (made.url !== null) print(`address: ${made.url}`)
  print(`secret, shown this once: ${made.secret}`)
}

function defineCreate(command: Command): void {
  const create = command.command('create').argument('<event>', ofEvent).argument('<name>', 'e.g. deploy')
  create
    .summary('let others start an event')
    .description('let others start an event by signed requests; prints the address and the secret that signs')
    .addOption(new Option('--scheme <name>', 'how senders sign').choices(schemes).default('standard'))
    .option('--per-minute <n>', 'deliveries that are taken in a minute', parseWithin(1, 6000), 60)
    .option('--secret [text]', 'of a sender that makes its own; - reads stdin, @FILE a file, left out it is asked for')
    .action(
      async (event: string, name: string, options: { scheme: Scheme; perMinute: number; secret?: string | true }) => {
        const secret = options.secret === undefined ? undefined : await secretWord(options.secret, 'Secret')
        const made = await withServer(create, async (server) => {
          const input = { event, name, scheme: options.scheme, per_minute: options.perMinute, secret }
          const one = await server.client.calls.webhooks.create(input)
          return { ...one, url: addressOf(one, server) }
        })
        if (globalsOf(create).json) return printJson(made)
        printMade(made)
      },
    )
}

function defineRotate(command: Command): void {
  const rotate = command.command('rotate').argument('<event>', ofEvent).argument('<name>')
  rotate
    .summary('a new secret')
    .description('a new secret; the address stays, and the old secret holds a while longer')
    .option('--keep-old <hours>', 'so long both hold; 0: the old one is void at once', parseWithin(0, 168), 24)
    .action(async (event: string, name: string, { keepOld }: { keepOld: number }) => {
      const made = await withServer(rotate, async (server) => {
        const one = await server.client.calls.webhooks.rotate({ event, name, keep_old_hours: keepOld })
        return { ...one, url: addressOf(one, server) }
      })
      if (globalsOf(rotate).json) return printJson(made)
      printMade(made)
    })
}

function defineSwitch(command: Command, verb: 'enable' | 'disable', enabled: boolean): void {
  const sub = command.command(verb).argument('<event>', ofEvent).argument('<name>')
  sub.summary(`${verb} a webhook`).description(enabled ? 'take deliveries again' : 'refuse all deliveries as unknown')
  sub.action(async (event: string, name: string) => {
    const changed = await withServer(sub, ({ client }) => client.calls.webhooks.change({ event, name, enabled }))
    if (globalsOf(sub).json) return printJson(changed)
    print(`${printable(changed.event.name)}/${name}: ${verb}d`)
  })
}

function defineRm(command: Command): void {
  const rm = command.command('rm').argument('<event>', ofEvent).argument('<name>')
  rm.summary('delete a webhook').description('delete a webhook: its address is nobody’s from then on')
  rm.option('-y, --yes', 'do it without asking').action(
    async (event: string, name: string, { yes }: { yes?: boolean }) => {
      if (yes !== true && !process.stdin.isTTY) {
        throw new AppError('invalid_argument', `no terminal to ask on: runyard webhook rm ${event} ${name} --yes`)
      }
      const deleted = yes === true || (await confirm(`Delete webhook ${name} of ${event}? Its senders are refused.`))
      if (deleted) await withServer(rm, ({ client }) => client.calls.webhooks.delete({ event, name }))
      else process.exitCode = exitCodes.failed
      if (globalsOf(rm).json) return printJson({ event, name, deleted })
      print(deleted ? `Deleted ${name}` : 'Nothing was deleted')
    },
  )
}

function defineDeliveries(command: Command): void {
  const sub = command.command('deliveries').argument('<event>', ofEvent).argument('<name>')
  sub
    .summary('what came in, newest first')
    .description('what came in, newest first, and why it began nothing')
    .option('-n, --limit <n>', 'at most so many', parseWithin(1, 200), 20)
    .action(async (event: string, name: string, { limit }: { limit: number }) => {
      const { deliveries } = await withServer(sub, ({ client }) =>
        client.calls.webhooks.deliveries({ event, name, limit }),
      )
      if (globalsOf(sub).json) return printJson(deliveries)
      const rows = deliveries.map(({ delivery_id: id, received_at: at, run_id: run, reason }) => [
        ...[showAgo(at), printable(id), run ?? '', printable(reason ?? '')],
      ])
      const titles = ['RECEIVED', 'DELIVERY', 'RUN', 'REASON']
      process.stdout.write(
        table(
          titles.map((title) => ({ title, shrinks: title === 'REASON' })),
          rows,
        ),
      )
    })
}
