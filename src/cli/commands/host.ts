import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import { isTerminal } from '../../job/state.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { confirmByAsking } from '../host-keys.ts'
import { hostTable, printFacts, printHost } from '../host-view.ts'
import { inOptions } from '../option-words.ts'
import { agreed, refuseUnasked } from '../prompt.ts'
import { notice, print, printable, printJson } from '../render.ts'
import { secretWord } from '../secret-word.ts'
import { parseWithin } from '../units.ts'

type Create = Parameters<ApiClient['calls']['hosts']['create']>[0]
type Change = Parameters<ApiClient['calls']['hosts']['change']>[0]
type Auth = Create['auth']

interface SetOptions {
  identity?: string | true
  passphrase?: string | true
  password?: string | true
  agent?: boolean
  jump?: string | false
  label?: Record<string, string> | false
  description?: string
  openTo?: 'operators' | 'admins'
  connections?: number
  keepAlive?: number
  connectTimeout?: number
}
interface KeyOptions {
  accept?: string[]
  knownHosts?: string
}

export function define(command: Command): void {
  const ls = command.command('ls').summary('list hosts').description('list hosts that you may use, and how they are')
  ls.option('--label <k=v>', 'only those that have it; may be repeated', collect)
    .option('--search <text>', 'part of the name, the description or the address')
    .action(async ({ label, search }: { label?: string[]; search?: string }) => {
      const { hosts, ssh } = await withServer(ls, async ({ client }) => {
        const given = { limit: 500, ...(label && { label }), ...(search !== undefined && { search }) }
        const answer = await client.calls.hosts.list(given)
        const all = [...answer.hosts]
        for (let cursor = answer.next_cursor; cursor !== null;) {
          const next = await client.calls.hosts.list({ ...given, cursor })
          all.push(...next.hosts)
          cursor = next.next_cursor
        }
        return { hosts: all, ssh: answer.ssh }
      })
      if (globalsOf(ls).json) return printJson(hosts)
      if (hosts.length === 0) return notice('no host; runyard host add NAME USER@ADDRESS')
      process.stdout.write(hostTable(hosts))
      if (!ssh) notice('no runner that is online takes jobs for hosts (RUNYARD_SSH)')
    })

  const show = command
    .command('show')
    .argument('<name>')
    .summary('one host')
    .description('one host: keys, facts, how it is')
  show.action(async (name: string) => {
    const host = await withServer(show, ({ client }) => client.calls.hosts.get({ name }))
    if (globalsOf(show).json) printJson(host)
    else printHost(host)
  })
  defineAdd(command)
  defineSet(command)
  defineConfirm(command)
  defineTest(command)
  defineSwitch(command, 'disable', false)
  defineSwitch(command, 'enable', true)
  defineRm(command)
  command.addHelpText(
    'after',
    '\nExamples:\n  runyard host add web1 deploy@192.0.2.10 --identity @$HOME/.ssh/id_ed25519 --label role=web\n' +
      '  runyard host test web1\n  runyard run --host web1 -- uptime\n  runyard run --host label:role=web -- systemctl reload nginx\n\n' +
      'More: docs/hosts.md.',
  )
}

const collect = (text: string, before: string[] = []): string[] => [...before, text]

function collectLabels(text: string, before?: Record<string, string> | boolean): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write KEY=VALUE')
  return { ...(typeof before === 'object' && before), [text.slice(0, equals)]: text.slice(equals + 1) }
}

function addSettings(command: Command): Command {
  return command
    .option('-i, --identity [file]', 'private key, as @FILE or - for stdin')
    .option('--passphrase [text]', 'of the private key')
    .option('--password [text]', 'instead of a key')
    .option('--agent', 'keys of the SSH agent at the runner (RUNYARD_SSH_AGENT)')
    .option('--jump <host>', 'the host that leads there')
    .option('--no-jump', 'directly')
    .option('--label <k=v>', 'for label:k=v in jobs; may be repeated, and takes the place of all before', collectLabels)
    .option('--no-label', 'none')
    .option('--description <text>', 'for people')
    .addOption(new Option('--open-to <whom>', 'who may run jobs there').choices(['operators', 'admins']))
    .option('--connections <n>', 'of one runner at the same time (default: 5)', parseWithin(1, 50))
    .option('--keep-alive <seconds>', 'between looks whether it is still there (default: 15)', parseWithin(5, 3600))
    .option('--connect-timeout <seconds>', 'until a connection is given up (default: 10)', parseWithin(1, 120))
}

const addKeyOptions = (command: Command): Command =>
  command
    .option('--accept <fingerprint>', 'a key that you have compared, SHA256:…; may be repeated', collect)
    .option('--known-hosts <file>', 'take its keys from these lines; - for stdin')

const secrets =
  'A key or a password given as - is read from stdin, as @FILE from a file; left out it is asked for. It is sealed at rest.'

function defineAdd(command: Command): void {
  const add = command.command('add').argument('<name>', 'e.g. web1').argument('<user@address[:port]>', 'as for ssh')
  addKeyOptions(addSettings(add))
    .summary('add a host; asks whether its key is the right one')
    .description(
      `add a host (administrators). Its key is shown and asked about, unless it is given; without a yes no job gets there.\n${secrets}`,
    )
    .action(async (name: string, where: string, options: SetOptions & KeyOptions) => {
      const { user, address, port } = parseWhere(where)
      const auth = await authOf(options)
      if (auth === undefined)
        throw new AppError('invalid_argument', 'say how one gets in: --identity, --password or --agent')
      const input = { name, user, address, port, auth, ...settingsOf(options), ...(await keysOf(options)) } as Create
      const host = await withServer(add, async ({ client }) => {
        const { problem, ...made } = await client.calls.hosts.create(input)
        if (problem !== null) notice(`added, but its key could not be asked for: ${printable(problem)}`)
        if (made.state !== 'unconfirmed' || problem !== null || !process.stdin.isTTY) return made
        return (await confirmByAsking(client, name)) ?? made
      }).catch(inOptions(flagFor))
      if (globalsOf(add).json) return printJson(host)
      printHost(host)
      if (host.state === 'unconfirmed') {
        for (const key of host.connection?.seen ?? []) print(`shows:        ${key.type} ${key.fingerprint}`)
        print(`no job gets there until its key is confirmed: runyard host confirm ${name}`)
      }
    })
}

function defineSet(command: Command): void {
  const set = command.command('set').argument('<name>').argument('[user@address[:port]]', 'where it is now')
  addSettings(set)
    .summary('change a host')
    .description(
      `change a host (administrators); what is not named stays as it is, its confirmed keys too.\n${secrets}`,
    )
    .action(async (name: string, where: string | undefined, options: SetOptions) => {
      const auth = await authOf(options)
      const input = {
        name,
        ...(where !== undefined && parseWhere(where)),
        ...(auth && { auth }),
        ...settingsOf(options),
      }
      const host = await withServer(set, ({ client }) => client.calls.hosts.change(input as Change)).catch(
        inOptions(flagFor),
      )
      if (globalsOf(set).json) printJson(host)
      else printHost(host)
    })
}

/** `user@address`, `user@address:port`, `user@[::1]:port`. */
function parseWhere(text: string): { user: string; address: string; port: number } {
  const [, user, six, name, port] =
    /^(.+)@(?:\[([^\]]+)\]|([^@:[\]]+|[^@[\]]*:[^@[\]]*:[^@[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = six ?? name
  if (user === undefined || address === undefined) {
    throw new AppError('invalid_argument', `${printable(text)} is no USER@ADDRESS[:PORT]`)
  }
  return { user, address, port: port === undefined ? 22 : Number(port) }
}

async function authOf({ identity: key, passphrase, password, agent }: SetOptions): Promise<Auth | undefined> {
  const given = [key !== undefined && '--identity', password !== undefined && '--password', agent && '--agent'].filter(
    Boolean,
  )
  if (given.length > 1) throw new AppError('invalid_argument', `give one of ${given.join(' and ')}`)
  if (passphrase !== undefined && key === undefined)
    throw new AppError('invalid_argument', '--passphrase belongs to --identity')
  if (key !== undefined) {
    if (key === true)
      throw new AppError('invalid_argument', '--identity: give its file as @FILE, or - and the key on stdin')
    const private_key = `${await secretWord(key, 'the private key')}\n`
    return {
      method: 'key',
      private_key,
      ...(passphrase !== undefined && { passphrase: await secretWord(passphrase, 'Passphrase') }),
    }
  }
  if (password !== undefined) return { method: 'password', password: await secretWord(password, 'Password') }
  return agent ? { method: 'agent' } : undefined
}

const settingsOf = (options: SetOptions) =>
  Object.fromEntries(
    Object.entries({
      description: options.description,
      jump: options.jump === false ? null : options.jump,
      labels: options.label === false ? {} : options.label,
      open_to: options.openTo,
      connections: options.connections,
      keep_alive_seconds: options.keepAlive,
      connect_timeout_seconds: options.connectTimeout,
    }).filter(([, value]) => value !== undefined),
  )

async function keysOf({ accept, knownHosts }: KeyOptions): Promise<KeyOptions & { known_hosts?: string }> {
  if (knownHosts === undefined) return accept === undefined ? {} : { accept }
  const known_hosts =
    knownHosts === '-' ? await readStream(process.stdin) : await readFile(knownHosts, 'utf8').catch(unreadable)
  return { ...(accept && { accept }), known_hosts }
}

function unreadable(error: Error): never {
  throw new AppError('invalid_argument', `--known-hosts: ${error.message}`)
}

const flagFor: Record<string, string> = {
  ...{
    auth: '--identity',
    'auth.private_key': '--identity',
    'auth.password': '--password',
    'auth.passphrase': '--passphrase',
  },
  ...{ jump: '--jump', labels: '--label', open_to: '--open-to', connections: '--connections' },
  ...{ keep_alive_seconds: '--keep-alive', connect_timeout_seconds: '--connect-timeout' },
  ...{ accept: '--accept', known_hosts: '--known-hosts' },
}

function defineConfirm(command: Command): void {
  const confirm = command.command('confirm').argument('<name>').summary('confirm the key of a host')
  addKeyOptions(confirm)
    .description(
      'confirm the key of a host (administrators): what it shows now is asked about, or compared with what is given.\nThe confirmed keys take the place of all before; an alarm about a changed key is over with that.',
    )
    .action(async (name: string, options: KeyOptions) => {
      const given = await keysOf(options)
      const host = await withServer(confirm, ({ client }) =>
        Object.keys(given).length > 0 ? client.calls.hosts.confirm({ name, ...given }) : confirmByAsking(client, name),
      ).catch(inOptions(flagFor))
      if (host === null) {
        notice('nothing was confirmed')
        process.exitCode = exitCodes.failed
        return
      }
      if (globalsOf(confirm).json) printJson(host)
      else printHost(host)
    })
}

/** So long its job may wait for a runner and run. */
const patienceMs = 90_000

function defineTest(command: Command): void {
  const test = command.command('test').argument('<name>').summary('run a small job there, and say what host it is')
  test
    .description('run a small job on a host (administrators), through the queue like any other; it brings the facts')
    .action(async (name: string) => {
      const { job, host } = await withServer(test, async ({ client }) => {
        const { job_id: id } = await client.calls.hosts.test({ name })
        return { job: await endOf(client, id), host: await client.calls.hosts.get({ name }) }
      })
      const ok = job.state === 'succeeded'
      if (!ok) process.exitCode = exitCodes.failed
      if (globalsOf(test).json)
        return printJson({ job_id: job.id, state: job.state, message: job.result?.message ?? null, host })
      if (!ok) return print(`${name}: ${job.state}: ${printable(job.result?.message ?? '')} (runyard status ${job.id})`)
      print(`${name} works (job ${job.id})`)
      if (host.facts !== null) printFacts(host.facts)
    })
}

async function endOf(client: ApiClient, id: string) {
  const until = Date.now() + patienceMs
  for (;;) {
    const job = await client.calls.jobs.get({ id })
    if (isTerminal(job.state)) return job
    if (Date.now() > until) {
      const why = job.waiting_reason?.text ?? job.state
      throw new AppError('deadline_exceeded', `no answer yet (${why}); see: runyard status ${id}`)
    }
    await sleep(200)
  }
}

function defineSwitch(command: Command, word: 'enable' | 'disable', enabled: boolean): void {
  const one = command.command(word).argument('<name>')
  one.summary(enabled ? 'jobs may go there again' : 'no job goes there any more')
  one.description(
    `${enabled ? 'jobs may go there again' : 'no job goes there any more; what runs goes on'} (administrators)`,
  )
  one.action(async (name: string) => {
    const host = await withServer(one, ({ client }) => client.calls.hosts.change({ name, enabled }))
    if (globalsOf(one).json) printJson(host)
    else print(`${name} is ${enabled ? 'enabled' : 'disabled'}`)
  })
}

function defineRm(command: Command): void {
  const rm = command
    .command('rm')
    .argument('<name>')
    .summary('delete a host')
    .description('delete a host (administrators)')
  rm.option('-y, --yes', 'do it without asking').action(async (name: string, { yes }: { yes?: boolean }) => {
    refuseUnasked(yes, `runyard host rm ${name}`)
    if (!(await agreed(yes, () => `Delete ${name}? Jobs that wait for it will be refused.`))) return
    await withServer(rm, ({ client }) => client.calls.hosts.delete({ name }))
    if (globalsOf(rm).json) printJson({ name, deleted: true })
    else print(`Deleted ${name}`)
  })
}
