import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import {
  deliveryStates,
  type Channel,
  type Delivery,
  type DeliveryState,
  type Quiet,
} from '../../api/contract/channels.ts'
import { isTerminal, type JobState } from '../../job/state.ts'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { defineMessageTemplates } from '../message-template-commands.ts'
import { inOptions } from '../option-words.ts'
import { confirm } from '../prompt.ts'
import { parseQuiet, showQuiet } from '../quiet-window.ts'
import { paint, print, printable, printJson, table } from '../render.ts'
import { secretWord } from '../secret-word.ts'
import { parseWhole, showAgo } from '../units.ts'

type Settings = NonNullable<Parameters<ApiClient['calls']['channels']['put']>[0]['settings']>
type Changes = NonNullable<Parameters<ApiClient['calls']['channels']['put']>[0]['changes']>
type Secret = string | true

export interface SetOptions {
  slack?: Secret
  discord?: Secret
  webhook?: Secret
  secret?: Secret
  header?: Record<string, string>
  email?: string[]
  smtp?: Secret
  from?: string
  receivers?: 'own_domains' | 'any'
  replace?: boolean
  description?: string
  enable?: boolean
  disable?: boolean
  /** False: none. */
  quiet?: Quiet[] | false
}

export function define(command: Command): void {
  const ls = command
    .command('ls')
    .summary('list channels')
    .description('list channels, and what became of the last message')
  ls.action(async () => {
    const { channels } = await withServer(ls, ({ client }) => client.calls.channels.list())
    if (globalsOf(ls).json) return printJson(channels)
    process.stdout.write(listing(channels))
  })

  const set = command
    .command('set')
    .argument('<name>', 'made when there is none of that name')
    .summary('make or change a channel')
  set
    .description(
      'make or change a channel (administrators); what is not named stays as it is.\n' +
        'An address is a secret: given as - it is read from stdin, as @FILE from a file, left out it is asked for.',
    )
    .option('--slack [url]', 'incoming webhook of Slack, Mattermost or Rocket.Chat')
    .option('--discord [url]', 'webhook of Discord')
    .option('--webhook [url]', 'signed POST to any address (Standard Webhooks)')
    .option('--secret [whsec]', 'that signs it; a new channel without one gets one, shown once')
    .option('--header <name: value>', 'sent with it; may be repeated', addHeader)
    .option('--email <addresses>', 'mail to these, comma separated; with --smtp and --from', (text) => text.split(','))
    .option('--smtp [url]', 'mail server, e.g. smtp://user:password@mail.example.com:587')
    .option('--from <address>', 'sender of the mail')
    .addOption(
      new Option('--receivers <whom>', 'of mail: whom a message may name beside those of --email').choices([
        'own_domains',
        'any',
      ]),
    )
    .option('--replace', 'also when it is of another kind so far')
    .option('--description <text>', 'for people')
    .option(
      '--quiet <hours>',
      'hold messages meanwhile, e.g. "mon-fri 22:00-07:00 Europe/Berlin"; … drop: lose them',
      addQuiet,
    )
    .option('--no-quiet', 'send at any time')
    .addOption(new Option('--disable', 'send nothing').conflicts('enable'))
    .addOption(new Option('--enable', 'send again').conflicts('disable'))
    .action(async (name: string, options: SetOptions) => {
      const settings = await settingsOf(options)
      const changes = settings === undefined ? await changesOf(options) : undefined
      const channel = await withServer(set, async ({ client }) => {
        const { channels } = await client.calls.channels.list()
        const before = channels.find((found) => found.name === name)
        const given = { ...(settings && { settings }), ...(changes && { changes }), replace: options.replace }
        return client.calls.channels.put({ name, ...kept(before, options), ...given })
      }).catch(inWords)
      if (globalsOf(set).json) return printJson(channel)
      const state = channel.enabled ? '' : ', disabled'
      print(
        `${channel.name}: ${channel.kind} to ${printable(channel.destination)}, quiet ${quietText(channel)}${state}`,
      )
      if (channel.secret !== null) print(`secret, shown this once: ${channel.secret}`)
    })

  const test = command.command('test').argument('<name>').summary('send a test message, and say what became of it')
  test.description('send a test message now (administrators), whatever the quiet hours say, and wait for the answer')
  test.action(async (name: string) => {
    const told = await withServer(test, async ({ client }) => {
      const { job_id } = await client.calls.channels.test({ name })
      return firstAnswer(client, job_id)
    })
    if (globalsOf(test).json) printJson(told)
    else print(told.text)
    if (told.state !== 'succeeded') process.exitCode = exitCodes.failed
  })

  const rm = command
    .command('rm')
    .argument('<name>')
    .summary('delete a channel')
    .description('delete a channel (administrators)')
  rm.option('-y, --yes', 'do it without asking').action(async (name: string, options: { yes?: boolean }) => {
    if (options.yes !== true && !process.stdin.isTTY)
      throw wrong(`no terminal to ask on: runyard channel rm ${name} --yes`)
    const deleted =
      options.yes === true || (await confirm(`Delete ${name}? What is still to be sent there is recorded as not sent.`))
    if (deleted) await withServer(rm, ({ client }) => client.calls.channels.delete({ name }))
    else process.exitCode = exitCodes.failed
    if (globalsOf(rm).json) return printJson({ name, deleted })
    print(deleted ? `Deleted ${name}` : 'Nothing was deleted')
  })

  const deliveries = command
    .command('deliveries')
    .summary('what was sent, newest first')
    .description('what was sent, newest first')
  deliveries
    .option('--channel <name>', 'only to this one')
    .addOption(new Option('--state <states>', 'only those, comma separated').argParser(parseStates))
    .addOption(new Option('--dead', 'only those that were given up').conflicts('state'))
    .option('-n, --limit <n>', 'at most so many', parseWhole, 50)
    .action(async (options: { channel?: string; state?: DeliveryState[]; dead?: boolean; limit: number }) => {
      const state = options.dead ? dead : options.state
      const query = {
        limit: options.limit,
        ...(options.channel && { channel: options.channel }),
        ...(state && { state }),
      }
      const answer = await withServer(deliveries, ({ client }) => client.calls.messageDeliveries.list(query))
      if (globalsOf(deliveries).json) return printJson(answer.deliveries)
      process.stdout.write(deliveryListing(answer.deliveries))
    })

  const again = command.command('redeliver').argument('<id>', 'of a delivery').summary('send a message again')
  again.description('send a message again with the same id (administrators), to where the channel points now')
  again.action(async (id: string) => {
    const { job_id } = await withServer(again, ({ client }) => client.calls.messageDeliveries.redeliver({ id }))
    if (globalsOf(again).json) return printJson({ job_id })
    print(job_id)
  })
  defineMessageTemplates(command)
}

export const dead: DeliveryState[] = ['failed', 'timed_out', 'lost', 'cancelled', 'not_sent']

function addHeader(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('is not a header, e.g. "X-Team: ci"')
  return { ...before, [name]: value! }
}

const addQuiet = (text: string, before?: Quiet[] | boolean): Quiet[] => [
  ...(Array.isArray(before) ? before : []),
  parseQuiet(text),
]

function parseStates(text: string): DeliveryState[] {
  const states = text.split(',')
  const unknown = states.find((state) => !(deliveryStates as readonly string[]).includes(state))
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of: ${deliveryStates.join(', ')}`)
  return states as DeliveryState[]
}

/** Undefined: they stay as they are. */
export async function settingsOf(options: SetOptions): Promise<Settings | undefined> {
  const { slack, discord, webhook, email, smtp, from, receivers } = options
  const kinds = Object.entries({ slack, discord, webhook, email }).filter(([, value]) => value !== undefined)
  if (kinds.length > 1) throw wrong(`give one of ${kinds.map(([kind]) => `--${kind}`).join(' and ')}`)
  const [kind] = kinds[0] ?? []
  if (kind !== undefined && kind !== 'webhook' && (options.secret !== undefined || options.header !== undefined)) {
    throw wrong('--secret and --header belong to --webhook')
  }
  if (kind !== undefined && kind !== 'email' && (smtp ?? from ?? receivers) !== undefined)
    throw wrong('--smtp, --from and --receivers belong to --email')
  if (slack !== undefined) return { kind: 'slack', url: await secretWord(slack, 'Address') }
  if (discord !== undefined) return { kind: 'discord', url: await secretWord(discord, 'Address') }
  if (webhook !== undefined) {
    const url = await secretWord(webhook, 'Address')
    const secret = options.secret === undefined ? undefined : await secretWord(options.secret, 'Secret')
    return { kind: 'webhook', url, ...(secret && { secret }), ...(options.header && { headers: options.header }) }
  }
  if (email === undefined) return undefined
  // Of a channel that is there: to others, from the same.
  if (smtp === undefined || from === undefined) return undefined
  const to = email.map((one) => one.trim())
  return { kind: 'email', smtp_url: await secretWord(smtp, 'Mail server'), from, to, ...(receivers && { receivers }) }
}

/** What changes of a channel that is there, without its address. */
export async function changesOf({
  secret,
  header,
  smtp,
  from,
  email,
  receivers,
}: SetOptions): Promise<Changes | undefined> {
  const changes: Changes = {
    ...(secret !== undefined && { secret: await secretWord(secret, 'Secret') }),
    ...(header && { headers: header }),
    ...(smtp !== undefined && { smtp_url: await secretWord(smtp, 'Mail server') }),
    ...(from !== undefined && { from }),
    ...(email && { to: email.map((to) => to.trim()) }),
    ...(receivers && { receivers }),
  }
  return Object.keys(changes).length === 0 ? undefined : changes
}

const flagFor: Record<string, string> = {
  ...{ kind: '--replace', secret: '--secret', headers: '--header' },
  ...{ smtp_url: '--smtp', from: '--from', to: '--email', receivers: '--receivers' },
}

/** What was typed, for what was sent. */
function inWords(error: unknown): never {
  const words: Record<string, string> = {}
  for (const { field } of isAppError(error) ? error.fields : []) {
    // Also `settings.to[0]`.
    const [, name = ''] = /^(?:settings|changes)\.(\w+)/.exec(field) ?? []
    const flag = flagFor[name]
    if (flag !== undefined) words[field] = flag
  }
  return inOptions(words)(error)
}

const wrong = (message: string): AppError => new AppError('invalid_argument', message)

/** Writing replaces all but the settings, so what was not named is carried over. */
export const kept = (before: Channel | undefined, { description, enable, disable, quiet }: SetOptions) => ({
  description: description ?? before?.description ?? null,
  enabled: enable === true || (disable !== true && (before?.enabled ?? true)),
  quiet: quiet === false ? [] : Array.isArray(quiet) ? quiet : (before?.quiet ?? []),
})

const quietText = ({ quiet }: Channel): string => (quiet.length === 0 ? 'never' : quiet.map(showQuiet).join('; '))

/** After its first try: the rest of them take half an hour. */
async function firstAnswer(
  client: ApiClient,
  jobId: string,
): Promise<{ job_id: string; state: JobState; text: string }> {
  for (let looks = 0; looks < 240; looks += 1) {
    const job = await client.calls.jobs.get({ id: jobId })
    const { attempts } = await client.calls.jobs.attempts({ id: jobId })
    const said = attempts.findLast((attempt) => attempt.result !== null)?.result?.message
    const over = isTerminal(job.state)
    if (over || said) {
      const more = over ? '' : '; it is tried again for half an hour'
      return { job_id: jobId, state: job.state, text: `${said ?? job.result?.message ?? job.state}${more}` }
    }
    await sleep(250)
  }
  throw new AppError('deadline_exceeded', `no answer within a minute; see: runyard status ${jobId}`)
}

function listing(channels: Channel[]): string {
  const titles = ['NAME', 'KIND', 'TO', 'QUIET', 'LAST', '']
  const rows = channels.map((channel) => [
    channel.name,
    channel.kind,
    printable(channel.destination),
    quietText(channel),
    channel.last_delivery === null ? '' : `${channel.last_delivery.state} ${showAgo(channel.last_delivery.at)}`,
    channel.enabled ? '' : paint('yellow', 'disabled'),
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'TO' })),
    rows,
  )
}

function deliveryListing(deliveries: Delivery[]): string {
  const titles = ['ID', 'WHEN', 'CHANNEL', 'STATE', 'TRIES', 'SUBJECT', 'ANSWER']
  const rows = deliveries.map((delivery) => [
    delivery.id,
    showAgo(delivery.created_at),
    delivery.channel,
    delivery.state,
    String(delivery.attempts),
    printable(delivery.subject),
    printable(delivery.result ?? ''),
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'ANSWER' })),
    rows,
  )
}
