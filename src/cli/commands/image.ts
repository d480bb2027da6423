import { Option, type Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { ContainerEngine, Image } from '../../api/contract/index.ts'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { inOptions } from '../option-words.ts'
import { confirm } from '../prompt.ts'
import { notice, paint, print, printable, printJson, table } from '../render.ts'
import { secretWord } from '../secret-word.ts'
import { parseWithin } from '../units.ts'

type Put = Parameters<ApiClient['calls']['images']['put']>[0]
type Listed = Awaited<ReturnType<ApiClient['calls']['images']['list']>>

export function define(command: Command): void {
  const ls = command
    .command('ls')
    .summary('list images')
    .description('list images, the engines of runners, and where scripts of events go')
  ls.action(async () => {
    const found = await withServer(ls, ({ client }) => client.calls.images.list())
    if (globalsOf(ls).json) return printJson(found)
    if (found.images.length === 0) notice('no image; runyard image set NAME REFERENCE')
    else process.stdout.write(imageTable(found.images))
    for (const line of surroundings(found)) print(line)
  })
  defineSet(command)
  definePin(command)
  defineRm(command)
  command.addHelpText(
    'after',
    '\nExamples:\n  runyard image set py docker.io/library/python:3.12-slim --language python\n  runyard image pin py\n' +
      '  runyard run --image py -- python3 -c "print(1)"\n\nMore: docs/containers.md.',
  )
}

interface SetOptions {
  language?: ('bash' | 'python' | 'node')[] | false
  pull?: Put['pull']
  description?: string
  username?: string
  password?: string | true
  passwordSecret?: string
  registry?: false
  warmLeast?: number
  warmMost?: number
  openTo?: Put['open_to']
  enable?: boolean
  disable?: boolean
}

function defineSet(command: Command): void {
  const set = command.command('set').argument('<name>', 'made when there is none of that name')
  const languages = ['bash', 'python', 'node'] as const
  set
    .argument('[reference]', 'as engines write it, e.g. docker.io/library/python:3.12-slim')
    .summary('make or change an image')
    .description(
      'make or change an image (administrators); what is not named stays as it is.\n' +
        'A password given as - is read from stdin, as @FILE from a file; left out it is asked for.',
    )
    .addOption(
      new Option('--language <name>', 'scripts of events in it run here; may be repeated')
        .choices(languages)
        .argParser((text, before: SetOptions['language']) => [...(before || []), oneOf(languages, text)]),
    )
    .option('--no-language', 'of no language')
    .addOption(new Option('--pull <when>', 'when engines fetch it').choices(['missing', 'always', 'never']))
    .option('--username <name>', 'at its registry')
    .option('--password [text]', 'at its registry')
    .option('--password-secret <name>', 'a global secret that has the password')
    .option('--no-registry', 'its registry needs no password')
    .option('--warm-least <n>', 'containers that each runner keeps ready', parseWithin(0, 100))
    .option('--warm-most <n>', 'the same while there is demand', parseWithin(0, 100))
    .addOption(new Option('--open-to <whom>', 'who may use it').choices(['operators', 'admins']))
    .option('--description <text>', 'for people')
    .addOption(new Option('--disable', 'no job may use it').conflicts('enable'))
    .addOption(new Option('--enable', 'jobs may use it again').conflicts('disable'))
    .action(async (name: string, reference: string | undefined, options: SetOptions) => {
      const registry = await registryOf(options)
      const image = await withServer(set, async ({ client }) => {
        const before = (await client.calls.images.list()).images.find((one) => one.name === name)
        return client.calls.images.put(wanted(name, reference ?? before?.reference, before, options, registry))
      }).catch(inOptions(flags))
      if (globalsOf(set).json) return printJson(image)
      print(`${image.name}: ${image.reference}${image.enabled ? '' : ', disabled'}`)
    })
}

const flags = {
  ...{ reference: 'reference', pull: '--pull', 'warm.most': '--warm-most', 'warm.least': '--warm-least' },
  ...{ 'languages[0]': '--language', 'languages[1]': '--language', 'languages[2]': '--language' },
  ...{ 'registry.username': '--username', 'registry.password': '--password' },
  'registry.password_secret': '--password-secret',
}

function oneOf<T extends string>(all: readonly T[], text: string): T {
  const found = all.find((one) => one === text)
  if (found === undefined) throw wrong(`--language: "${text}" is none of ${all.join(', ')}`)
  return found
}

async function registryOf({ username, password, passwordSecret, registry }: SetOptions): Promise<Put['registry']> {
  if (registry === false) return null
  if (password === undefined && passwordSecret === undefined) {
    if (username !== undefined) throw wrong('--username needs --password or --password-secret')
    return undefined
  }
  if (username === undefined) throw wrong('a password needs --username')
  if (passwordSecret !== undefined) return { username, password_secret: passwordSecret }
  return { username, password: await secretWord(password!, 'Password') }
}

/** Writing replaces all but the registry's password, so what was not named is carried over. */
export function wanted(
  name: string,
  reference: string | undefined,
  before: Image | undefined,
  options: SetOptions,
  registry: Put['registry'],
): Put {
  if (reference === undefined) throw wrong(`there is no image ${name} yet: runyard image set ${name} REFERENCE`)
  const { language, warmLeast, warmMost } = options
  const least = warmLeast ?? before?.warm.least ?? 0
  return {
    ...{ name, reference, description: options.description ?? before?.description ?? null },
    languages: language === false ? [] : (language ?? before?.languages ?? []),
    pull: options.pull ?? before?.pull ?? 'missing',
    warm: { least, most: warmMost ?? Math.max(before?.warm.most ?? 0, least) },
    enabled: options.enable === true || (options.disable !== true && (before?.enabled ?? true)),
    open_to: options.openTo ?? before?.open_to ?? 'operators',
    ...(registry !== undefined && { registry }),
  }
}

function definePin(command: Command): void {
  const pin = command
    .command('pin')
    .argument('<name>')
    .argument('[digest]', 'sha256:…; left out: what the runners have')
  pin
    .summary('keep to one version of an image')
    .description('let the image’s reference name one version for good (administrators), by its digest')
    .action(async (name: string, digest: string | undefined) => {
      const image = await withServer(pin, ({ client }) => client.calls.images.pin({ name, digest }))
      if (globalsOf(pin).json) return printJson(image)
      print(`${image.name}: ${image.reference}`)
    })
}

function defineRm(command: Command): void {
  const rm = command.command('rm').argument('<name>').summary('delete an image')
  rm.description('delete an image from the catalogue (administrators); engines keep what they have')
  rm.option('-y, --yes', 'do it without asking').action(async (name: string, { yes }: { yes?: boolean }) => {
    if (yes !== true && !process.stdin.isTTY) throw wrong(`no terminal to ask on: runyard image rm ${name} --yes`)
    const deleted = yes === true || (await confirm(`Delete image ${name}? Jobs that name it are refused.`))
    if (deleted) await withServer(rm, ({ client }) => client.calls.images.delete({ name }))
    else process.exitCode = exitCodes.failed
    if (globalsOf(rm).json) return printJson({ name, deleted })
    print(deleted ? `Deleted ${name}` : 'Nothing was deleted')
  })
}

const wrong = (message: string): AppError => new AppError('invalid_argument', message)

export function imageTable(images: Image[]): string {
  const titles = ['NAME', 'LANGUAGES', 'PULL', 'PRESENT', 'WARM', 'STATE', 'REFERENCE']
  const rows = images.map((image) => [
    ...[image.name, image.languages.join(','), image.pull, presentText(image), warmText(image)],
    stateText(image),
    shortDigest(image.reference),
  ])
  return table(
    titles.map((title) => ({ title, shrinks: title === 'REFERENCE' })),
    rows,
  )
}

const shortDigest = (reference: string): string => reference.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1…')

function presentText({ runners }: Image): string {
  if (runners.every(({ present }) => present === null)) return ''
  return `${runners.filter(({ present }) => present).length} of ${runners.length}`
}

/** Waiting now, of those that may; then how many jobs found one. */
function warmText({ warm, runners }: Image): string {
  const counts = runners.flatMap(({ warm: one }) => one ?? [])
  if (warm.most === 0 && counts.length === 0) return ''
  const sum = (of: 'waiting' | 'hits' | 'misses'): number => counts.reduce((all, one) => all + one[of], 0)
  const asked = sum('hits') + sum('misses')
  return `${sum('waiting')} (${warm.least}-${warm.most})${asked === 0 ? '' : `, ${sum('hits')} of ${asked}`}`
}

function stateText({ enabled, problem, open_to: whom }: Image): string {
  if (!enabled) return paint('yellow', 'disabled')
  if (problem !== null) return paint('red', 'not allowed')
  return whom === 'admins' ? 'admins only' : ''
}

function surroundings({ engines, allowed, events }: Listed): string[] {
  const engine = ({ runner, engine: name, version, problem }: ContainerEngine): string =>
    `runner ${printable(runner)}: ${name === null ? printable(problem ?? 'no engine') : printable(`${name} ${version ?? ''}`.trim())}`
  return [
    ...(engines.length === 0 ? ['no runner online has a container engine: runyard doctor'] : engines.map(engine)),
    ...(allowed.length === 0 ? [] : [`jobs may also name: ${allowed.join(', ')}`]),
    ...events.map(
      ({ language, executor, image, why }) =>
        `events in ${language}: ${executor}${image === null ? '' : ` of image ${image}`} (${why})`,
    ),
  ]
}
