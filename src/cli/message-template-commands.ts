/** `channel template`: texts of messages under a name. */
import type { Command } from 'commander'
import { parse, stringify } from 'yaml'
import type { MessageTemplate } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { withServer } from './connect.ts'
import { readInput, readYaml } from './event-file.ts'
import { exitCodes } from './exit-codes.ts'
import { addGlobalOptions, globalsOf } from './globals.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { notice, print, printable, printJson, table } from './render.ts'
import { showAgo } from './units.ts'

type Template = Pick<MessageTemplate, 'input'> & Partial<Pick<MessageTemplate, 'description' | 'sample'>>

const example = `
Example:
  cat > ended.yaml <<'END'
  description: how a run ended
  input:
    subject: '{{ event.name }} {{ outcome.state }}'
    text: 'after {{ outcome.duration_seconds }} s: {{ output.files }} files'
  sample: {output: {files: 7}}
  END
  runyard channel template preview --file ended.yaml
  runyard channel template put ended ended.yaml

An action or an event of kind message names it: template: ended. See docs/actions.md.`

export function defineMessageTemplates(channel: Command): void {
  const template = channel.command('template').summary('texts of messages under a name')
  template.description('texts of messages under a name, for all events').addHelpText('after', example)
  defineLs(template)
  defineShow(template)
  definePut(template)
  definePreview(template)
  defineRm(template)
  // The program gives them to the commands of a group, and this is a group within one.
  for (const each of template.commands) addGlobalOptions(each)
}

function defineLs(template: Command): void {
  const ls = template.command('ls').summary('list templates').description('list message templates, by name')
  ls.action(async () => {
    const { templates } = await withServer(ls, ({ client }) => client.calls.messageTemplates.list())
    if (globalsOf(ls).json) return printJson(templates)
    if (templates.length === 0) return notice('no message template yet: runyard channel template put NAME FILE')
    const titles = ['NAME', 'OWNER', 'FIELDS', 'USED BY', 'CHANGED', 'WHAT FOR']
    const rows = templates.map((one) => [
      ...[one.name, printable(one.owner), Object.keys(one.input).map(printable).join(', ')],
      ...[one.used_by.map(printable).join(', '), showAgo(one.updated_at), printable(one.description ?? '')],
    ])
    process.stdout.write(
      table(
        titles.map((title) => ({ title, shrinks: title === 'WHAT FOR' })),
        rows,
      ),
    )
  })
}

function defineShow(template: Command): void {
  const show = template.command('show').argument('<name>').summary('print a template')
  show.description('print a template as YAML, as put takes it').action(async (name: string) => {
    const found = await withServer(show, ({ client }) => client.calls.messageTemplates.get({ name }))
    if (globalsOf(show).json) return printJson(found)
    const { description, input, sample } = found
    process.stdout.write(stringify({ ...(description !== null && { description }), input, sample }, { lineWidth: 0 }))
  })
}

function definePut(template: Command): void {
  const put = template.command('put').argument('<name>').argument('<file>', 'YAML or JSON; - is stdin')
  put
    .summary('make or replace a template')
    .description('make a template of a file, or replace it; its owner and administrators do that')
    .addHelpText('after', example)
    .action(async (name: string, path: string) => {
      const given = await readTemplate(path)
      const saved = await withServer(put, ({ client }) => client.calls.messageTemplates.put({ ...given, name }))
      if (globalsOf(put).json) return printJson(saved)
      print(`Saved ${saved.name}`)
    })
}

function definePreview(template: Command): void {
  const preview = template.command('preview').argument('[name]').summary('fill in a template; sends nothing')
  preview
    .description(
      'fill in a template, of the server or of a file, and print what would be sent; sends and stores nothing',
    )
    .option('--file <yaml>', 'one that is not stored; - is stdin')
    .option('--names <json>', 'outcome, output, input, event, vars, … as JSON or @FILE; its sample when left out')
    .action(async (name: string | undefined, { file, names }: { file?: string; names?: string }) => {
      if ((name === undefined) === (file === undefined)) throw wrong('give the name of a template, or --file')
      const given = names === undefined ? undefined : (await readInput(names, undefined)).input
      const { input, problems } = await withServer(preview, async ({ client: { calls } }) => {
        const one = file === undefined ? await calls.messageTemplates.get({ name: name! }) : await readTemplate(file)
        return calls.messageTemplates.preview({ input: one.input, names: (given ?? one.sample ?? {}) as object })
      })
      if (problems.length > 0) process.exitCode = exitCodes.failed
      if (globalsOf(preview).json) return printJson({ input, problems })
      for (const { field, message } of problems) print(`${field}: ${message}`)
      if (input !== null) process.stdout.write(stringify(input, { lineWidth: 0 }))
    })
}

function defineRm(template: Command): void {
  const rm = template.command('rm').argument('<name>').summary('delete a template')
  rm.description('delete a template; events that name it cannot send any more')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      refuseUnasked(yes, `runyard channel template rm ${name}`)
      const done = await withServer(rm, async ({ client: { calls } }) => {
        const question = async (): Promise<string> => {
          const { used_by: users } = await calls.messageTemplates.get({ name })
          const used = users.length === 0 ? '' : ` Events use it: ${users.map(printable).join(', ')}.`
          return `Delete the message template ${name}?${used}`
        }
        if (!(await agreed(yes, question))) return false
        await calls.messageTemplates.delete({ name })
        return true
      })
      if (!done) return
      if (globalsOf(rm).json) return printJson({ name, deleted: true })
      print(`Deleted ${name}`)
    })
}

const wrong = (message: string): AppError => new AppError('invalid_argument', message)

/** What it may have is the server's to say; here only that it is a mapping at all. */
async function readTemplate(path: string): Promise<Template> {
  const text = await readYaml(path)
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 0 })
  } catch (error) {
    throw wrong(`${path}: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('input' in value)) {
    throw wrong(
      `${path}: is no template: it has input (the fields of the message), and description and sample if wanted`,
    )
  }
  return value as Template
}
