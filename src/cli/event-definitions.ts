/** `event create`, `edit`, `set`, `import`, `export`, `check`, `clone`, `versions`, `diff`, `restore`, `rm` and the switches. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { EventDetail } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { withServer } from './connect.ts'
import { readYaml } from './event-file.ts'
import { definitionIn } from './event-runs.ts'
import { eventVersionTable } from './event-view.ts'
import { exitCodes } from './exit-codes.ts'
import { globalsOf } from './globals.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { notice, paint, print, printable, printJson } from './render.ts'
import { parseWhole } from './units.ts'

const which = 'its name or id'

export function defineEventDefinitions(event: Command): void {
  defineCreate(event)
  defineImport(event)
  defineEdit(event)
  defineSet(event)
  for (const one of switches) defineSwitch(event, one)
  defineClone(event)
  defineExport(event)
  defineCheck(event)
  defineVersions(event)
  defineRm(event)
}

const told = (command: Command, event: EventDetail): void => {
  if (globalsOf(command).json) return printJson(event)
  print(`${printable(event.name)} (${event.id}): ${event.status}, version ${event.version}`)
}

function defineCreate(event: Command): void {
  const create = event.command('create').summary('make events of a file')
  create
    .description('make the events that a YAML file describes: one, or a list under `events`')
    .requiredOption('-f, --file <yaml>', 'the file; - is stdin')
    .option('--activate', 'those that do not say: active, not drafts')
    .addHelpText(
      'after',
      '\nExample:\n  cat > hello.yaml <<END\n  name: hello\n  status: active\n  kind: bash\n  script: echo hello\n  END\n  runyard event create -f hello.yaml\n  runyard event run hello --follow',
    )
    .action(async ({ file, activate }: { file: string; activate?: boolean }) => {
      const yaml = await readYaml(file)
      const results = await withServer(create, async ({ client: { calls } }) => {
        const done = await calls.events.import({ yaml })
        if (activate !== true) return done.results
        for (const { id } of done.results) await calls.events.change({ event: id!, status: 'active' })
        return done.results
      })
      if (globalsOf(create).json) return printJson(results)
      for (const { id, name } of results) print(`${printable(name)} (${id})`)
    })
}

function defineImport(event: Command): void {
  const read = event.command('import').argument('<yaml>', 'the file; - is stdin').summary('make or change events')
  read
    .description('make events of a YAML file, or change those that have these names; all of it or nothing')
    .addOption(
      new Option('--existing <what>', 'what becomes of one whose name is taken')
        .choices(['refuse', 'update', 'skip'])
        .default('refuse'),
    )
    .option('--dry-run', 'only say what would happen')
    .action(
      async (file: string, { existing, dryRun }: { existing: 'refuse' | 'update' | 'skip'; dryRun?: boolean }) => {
        const yaml = await readYaml(file)
        const { results } = await withServer(read, ({ client }) =>
          client.calls.events.import({ yaml, existing, dry_run: dryRun === true }),
        )
        if (globalsOf(read).json) return printJson(results)
        for (const { name, outcome } of results) print(`${printable(name)}: ${dryRun ? 'would be ' : ''}${outcome}`)
      },
    )
}

function defineEdit(event: Command): void {
  const edit = event.command('edit').argument('<event>', which).summary('change its YAML in your editor')
  edit
    .description('change the YAML of an event in $VISUAL or $EDITOR; saving makes a new version')
    .option('--note <text>', 'why, beside the version')
    .action(async (name: string, { note }: { note?: string }) => {
      const editor = process.env.VISUAL ?? process.env.EDITOR
      if (editor === undefined || !process.stdin.isTTY) {
        throw new AppError(
          'invalid_argument',
          `no editor: set EDITOR, or runyard event export ${name}, then import --existing update`,
        )
      }
      const { editText } = await import('./edit-text.ts')
      const changed = await withServer(edit, async ({ client: { calls } }) => {
        const { id, version } = await calls.events.get({ event: name })
        const { yaml } = await calls.events.export({ event: id })
        const after = await editText(editor, yaml, 'yaml')
        if (after.text === yaml) return null
        try {
          const definition = await definitionIn(after.path)
          return await calls.events.change({ event: id, definition, note, expect_version: version })
        } catch (error) {
          notice(`what you wrote is still in ${after.path}`, true)
          throw error
        }
      })
      if (changed === null) return notice('nothing was changed')
      told(edit, changed)
    })
}

const parseTags = (text: string): string[] => (text === '' ? [] : text.split(',').map((one) => one.trim()))

function parseYes(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('is yes or no')
  return text === 'yes'
}

interface SetOptions {
  name?: string
  tags?: string[]
  shared?: boolean
  file?: string
  note?: string
  expect?: number
}

function defineSet(event: Command): void {
  const set = event.command('set').argument('<event>', which).summary('change an event')
  set
    .description('change what is given; another definition is a new version')
    .option('--name <name>', 'another name')
    .option('--tags <list>', 'comma separated; empty: none', parseTags)
    .option('--shared <yes|no>', 'everyone may see and run it', parseYes)
    .option('--file <yaml>', 'its definition; - is stdin')
    .option('--note <text>', 'why, beside the version')
    .option('--expect <version>', 'refuse when another version is in force', parseWhole)
    .addHelpText('after', '\nExample:\n  runyard event set nightly --tags etl,prod --shared yes')
    .action(async (name: string, options: SetOptions) => {
      const { file, note, expect, tags, shared, name: newName } = options
      if ([file, tags, shared, newName].every((one) => one === undefined)) {
        throw new AppError('invalid_argument', 'say what to change: --name, --tags, --shared or --file')
      }
      const definition = file === undefined ? undefined : await definitionIn(file)
      const change = { event: name, name: newName, tags, shared, definition, note, expect_version: expect }
      told(set, await withServer(set, ({ client }) => client.calls.events.change(change)))
    })
}

const switches = [
  { verb: 'pause', status: 'paused', effect: 'nothing starts it until it is resumed; who runs it by hand may' },
  { verb: 'resume', status: 'active', effect: 'schedules, webhooks and ends of other things start it from now on' },
  { verb: 'archive', status: 'archived', effect: 'it runs no more and its name is free; runs that wait are cancelled' },
] as const

function defineSwitch(event: Command, { verb, status, effect }: (typeof switches)[number]): void {
  const sub = event.command(verb).argument('<event...>', which).summary(`${verb} events`)
  sub.description(`${verb} events: ${effect}`).action(async (names: string[]) => {
    await withServer(sub, async ({ client: { calls } }) => {
      for (const name of names) told(sub, await calls.events.change({ event: name, status }))
    })
  })
}

function defineClone(event: Command): void {
  const clone = event.command('clone').argument('<event>', which).summary('a copy of your own, as a draft')
  clone
    .description('a copy of your own, as a draft')
    .option('--name <name>', 'of the copy')
    .action(async (event_: string, { name }: { name?: string }) => {
      told(clone, await withServer(clone, ({ client }) => client.calls.events.clone({ event: event_, name })))
    })
}

function defineExport(event: Command): void {
  const out = event.command('export').argument('<event...>', which).summary('events as YAML')
  out
    .description('events as YAML, to be kept, changed and imported; no value of a secret is in it')
    .action(async (names: string[]) => {
      const texts = await withServer(out, ({ client: { calls } }) =>
        Promise.all(names.map(async (name) => (await calls.events.export({ event: name })).yaml)),
      )
      if (globalsOf(out).json) return printJson(texts.map((yaml) => ({ yaml })))
      if (texts.length === 1) return void process.stdout.write(texts[0]!)
      const items = texts.map((text) => `  - ${text.trimEnd().replaceAll('\n', '\n    ').replaceAll(/^ +$/gm, '')}\n`)
      process.stdout.write(`events:\n${items.join('')}`)
    })
}

function defineCheck(event: Command): void {
  const check = event.command('check').argument('<yaml>', 'the file; - is stdin').summary('what is wrong with a file')
  check
    .description('dry run of an event in a file: all mistakes, the job that it would be, its next times')
    .action(async (file: string) => {
      const definition = await definitionIn(file)
      const found = await withServer(check, ({ client }) =>
        client.calls.events.check({ definition: definition as never }),
      )
      const errors = found.problems.filter(({ severity }) => severity === 'error')
      if (errors.length > 0) process.exitCode = exitCodes.failed
      if (globalsOf(check).json) return printJson(found)
      for (const { field, message, severity } of found.problems) {
        print(`${paint(severity === 'error' ? 'red' : 'yellow', severity)} ${printable(field)}: ${printable(message)}`)
      }
      for (const { schedule, at } of found.next_times) {
        print(`schedule ${printable(schedule)}: ${at.slice(0, 3).join(', ')}${at.length > 3 ? ', …' : ''}`)
      }
      if (errors.length === 0) print(found.problems.length === 0 ? 'nothing is wrong with it' : 'it can run')
    })
}

function defineVersions(event: Command): void {
  const versions = event.command('versions').argument('<event>', which).summary('its versions, newest first')
  versions.description('its versions, newest first; * is in force').action(async (name: string) => {
    const found = await withServer(versions, ({ client }) => client.calls.events.versions({ event: name }))
    if (globalsOf(versions).json) return printJson(found.versions)
    process.stdout.write(eventVersionTable(found.versions))
  })
  const diff = event.command('diff').argument('<event>', which).summary('what changed between two versions')
  diff
    .argument('<from>', 'number of a version', parseWhole)
    .argument('<to>', 'number of a version', parseWhole)
    .description('what changed between two versions, as YAML')
    .action(async (name: string, from: number, to: number) => {
      const found = await withServer(diff, ({ client }) => client.calls.events.diff({ event: name, from, to }))
      if (globalsOf(diff).json) return printJson(found)
      for (const { kind, text } of found.lines) {
        const line = printable(text)
        if (kind === 'same') print(`  ${line}`)
        else print(kind === 'added' ? paint('green', `+ ${line}`) : paint('red', `- ${line}`))
      }
    })
  const restore = event.command('restore').argument('<event>', which).summary('an earlier version again')
  restore
    .argument('<version>', 'its number', parseWhole)
    .description('put an earlier version in force again, as the newest')
    .action(async (name: string, version: number) => {
      told(restore, await withServer(restore, ({ client }) => client.calls.events.restore({ event: name, version })))
    })
}

function defineRm(event: Command): void {
  const rm = event.command('rm').argument('<event>', which).summary('delete an archived event with its runs')
  rm.description('delete an archived event with its versions, runs, schedules and webhooks')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      refuseUnasked(yes, `runyard event rm ${name}`)
      const done = await withServer(rm, async ({ client: { calls } }) => {
        const found = await calls.events.get({ event: name })
        const question = `Delete the event ${printable(found.name)} (${found.id}) with its versions and runs?`
        if (!(await agreed(yes, () => question))) return null
        await calls.events.delete({ event: found.id })
        return found
      })
      if (done === null) return
      if (globalsOf(rm).json) return printJson({ id: done.id, name: done.name, deleted: true })
      print(`Deleted ${printable(done.name)}`)
    })
}
