import { InvalidArgumentError, Option, type Command } from 'commander'
import { auditTable, listEntries, parseHead, verdictLines, wishOf, type AuditWish } from '../audit.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { inOptions } from '../option-words.ts'
import { writeAll } from '../raw-output.ts'
import { notice, print, printJson } from '../render.ts'
import { parseDuration, parseWhole } from '../units.ts'

export function define(command: Command): void {
  const ls = filtered(command.command('ls').summary('list entries, newest first'))
  ls.description('list entries of the audit log, newest first').option('--limit <n>', 'how many', parseWhole, 50)
  ls.action(async (options: AuditWish & { limit: number }) => {
    const entries = await withServer(ls, ({ client }) =>
      listEntries(client.calls, wishOf(options), options.limit),
    ).catch(inFilters)
    if (globalsOf(ls).json) return printJson(entries)
    if (entries.length === 0) return notice('no entry matches', true)
    process.stdout.write(auditTable(entries))
  })

  const save = filtered(command.command('export').summary('all entries as text, oldest first'))
  save.description('write all entries that match to stdout, oldest first; --json is --format jsonl')
  save.addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
  save.action(async (options: AuditWish & { format: 'jsonl' | 'csv' }) => {
    const format = globalsOf(save).json ? 'jsonl' : options.format
    await withServer(save, async ({ client }) => {
      const lines = await client.exportAudit({ ...wishOf(options), format }).catch(inFilters)
      for await (const bytes of lines) await writeAll(1, bytes)
    })
  })

  const verify = command.command('verify').summary('whether the log is as it was written')
  verify
    .description('walk the hash chain over the whole log; exits with 1 when it does not hold')
    .option(
      '--head <seq:hash>',
      'the head that an earlier verify printed, kept elsewhere: also finds a new chain',
      parseHead,
    )
  verify.action(async ({ head }: { head?: { seq: string; hash: string } }) => {
    const verdict = await withServer(verify, ({ client }) => client.calls.audit.verify({ ...(head && { head }) }))
    if (!verdict.ok) process.exitCode = exitCodes.failed
    if (globalsOf(verify).json) return printJson(verdict)
    for (const line of verdictLines(verdict)) print(line)
  })
}

const filtered = (command: Command): Command =>
  command
    .option('--actor <name>', 'who')
    .option('--action <noun.verb>', 'what, e.g. job.cancel, or job. for all that was done to jobs')
    .option('--target <kind:name>', 'to what, e.g. user:anna')
    .addOption(new Option('--result <result>', 'how it ended').choices(['done', 'refused']))
    .option('--since <time>', 'from then on: 2h ago as 2h, or a time as 2026-11-22T08:00:00Z', moment)
    .option('--until <time>', 'before then', moment)

const inFilters = inOptions(
  Object.fromEntries(['actor', 'action', 'target', 'since', 'until', 'limit'].map((name) => [name, `--${name}`])),
)

function moment(text: string): string {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const at = Date.parse(text)
    if (!Number.isNaN(at)) return new Date(at).toISOString()
    throw new InvalidArgumentError('is not a time, e.g. 2026-11-22T08:00:00Z')
  }
  return new Date(Date.now() - parseDuration(text) * 1000).toISOString()
}
