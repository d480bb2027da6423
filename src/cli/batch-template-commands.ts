/** `batch template`: batches stored under a name. */
import type { Command } from 'commander'
import { stringify } from 'yaml'
import type { BatchTemplate } from '../api/contract/index.ts'
import { isAppError } from '../lib/app-error.ts'
import { problemsError } from './batch-errors.ts'
import { readBatchFile, type BatchFile } from './batch-file.ts'
import { templateTable } from './batch-view.ts'
import { withServer } from './connect.ts'
import { addGlobalOptions, globalsOf } from './globals.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { notice, print, printable, printJson } from './render.ts'

export function defineTemplates(batch: Command): void {
  const template = batch.command('template').summary('batches stored under a name')
  template.description('batches stored under a name; batch submit --template NAME --set key=value uses one')

  const save = template.command('save').argument('<name>').argument('<file>', 'YAML or JSON; - is stdin')
  save
    .summary('store a file as a template')
    .description('store a file as a template, or replace it')
    .option('--shared', 'everybody may use it')
    .option('--description <text>', 'what it is for')
    .action(async (name: string, path: string, options: { shared?: boolean; description?: string }) => {
      const file = await readBatchFile(path)
      const { shared = false, description = null } = options
      const saved = await withServer(save, ({ client }) =>
        client.calls.batchTemplates
          .put({ name, description, shared, body: file.body })
          .catch(inBody(file, globalsOf(save).json)),
      )
      if (globalsOf(save).json) return printJson(saved)
      print(`Saved ${saved.name}; runyard batch submit --template ${saved.name} submits it`)
    })

  const ls = template.command('ls').summary('list templates').description('list your templates and the shared ones')
  ls.action(async () => {
    const { templates } = await withServer(ls, ({ client }) => client.calls.batchTemplates.list({}))
    if (globalsOf(ls).json) return printJson(templates)
    if (templates.length === 0) return notice('no template yet: runyard batch template save NAME FILE')
    process.stdout.write(templateTable(templates as BatchTemplate[]))
  })

  const show = template.command('show').argument('<name>').summary('print a template')
  show
    .description('print a template as YAML')
    .option('--owner <user>', 'whose it is')
    .action(async (name: string, { owner }: { owner?: string }) => {
      const found = await withServer(show, ({ client }) => client.calls.batchTemplates.get({ name, owner }))
      if (globalsOf(show).json) return printJson(found)
      process.stdout.write(stringify(found.body, { lineWidth: 0 }))
    })

  const rm = template.command('rm').argument('<name>').summary('delete a template')
  rm.description('delete a template; batches that were made from it stay')
    .option('--owner <user>', 'whose it is')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, { yes, owner }: { owner?: string; yes?: boolean }) => {
      refuseUnasked(yes, `runyard batch template rm ${name}`)
      const done = await withServer(rm, async ({ client }) => {
        const { get, delete: remove } = client.calls.batchTemplates
        const question = async (): Promise<string> => {
          const { owner: whose, shared } = await get({ name, owner })
          return `Delete the template ${printable(whose)}/${name}${shared ? ', which everybody may use' : ''}?`
        }
        if (!(await agreed(yes, question))) return false
        await remove({ name, owner })
        return true
      })
      if (!done) return
      if (globalsOf(rm).json) return printJson({ name, deleted: true })
      print(`Deleted ${name}`)
    })
  // The program gives them to the commands of a group, and this is a group within one.
  for (const each of template.commands) addGlobalOptions(each)
}

/** The server speaks of `body.jobs[3]`, the file of `jobs[3]`. */
const inBody =
  (file: BatchFile, json: boolean) =>
  (error: unknown): never => {
    if (!isAppError(error) || !error.fields.some(({ field }) => field.startsWith('body.'))) throw error
    const fields = error.fields.map(({ field, message }) => ({ field: field.replace(/^body\./, ''), message }))
    throw problemsError(fields, file, json, error)
  }
