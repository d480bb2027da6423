/** `batch submit` and `batch matrix`: from a file or from words to a batch, or to a look at what it would be. */
import { randomUUID } from 'node:crypto'
import { Option, type Command } from 'commander'
import type { Combination, Notify, Scalar } from '../api/contract/batches.ts'
import type { BatchInput } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { follow, withRunner } from './batch-acts.ts'
import { atLines, problemsError } from './batch-errors.ts'
import { readBatchFile, type BatchFile } from './batch-file.ts'
import { previewTable } from './batch-view.ts'
import { parseAxis, parseCombination, parseNotify, parseParam } from './batch-words.ts'
import { withServer } from './connect.ts'
import { globalsOf } from './globals.ts'
import { notice, print, printJson } from './render.ts'
import { repeated } from './submit.ts'
import { parseWithin, plural } from './units.ts'

interface SubmitOptions {
  template?: string
  set?: Record<string, string>
  name?: string
  notify?: Notify[]
  watch?: boolean
  dryRun?: boolean
  idempotencyKey?: string
  limit?: number
}

interface MatrixOptions extends SubmitOptions {
  axis?: Record<string, Scalar[]>
  include?: Combination[]
  exclude?: Combination[]
  submit?: boolean
}

export function defineSubmits(batch: Command): void {
  const submit = batch.command('submit').argument('[file]', 'YAML or JSON; - is stdin').summary('submit a batch')
  submit.description('submit jobs as one batch: all of them, or none when one is wrong')
  addSubmitOptions(submit)
    .option('--dry-run', 'show what it would be, submit nothing')
    .action(async (path: string | undefined, options: SubmitOptions) => {
      if (path === undefined && options.template === undefined) {
        throw new AppError('invalid_argument', 'name a file (- is stdin), or a --template')
      }
      const file = path === undefined ? undefined : await readBatchFile(path)
      const body = withOptions(file?.body ?? {}, options)
      await (options.dryRun ? preview(submit, body, file, options) : send(submit, body, file, options))
    })

  const matrix = batch.command('matrix').argument('[words...]', 'a file; or, after --, the command of every job')
  matrix.summary('look at a fan of jobs').description('show the jobs that a matrix makes; --submit runs them')
  matrix
    .option('--axis <name=values>', 'e.g. browser=chrome,firefox or shard=1..20', parseAxis)
    .option('--exclude <name=value,…>', 'leave these combinations out', parseCombination)
    .option('--include <name=value,…>', 'a further combination, or a value for those that agree', parseCombination)
    .option('--submit', 'submit it')
  addSubmitOptions(matrix)
    .addHelpText('after', "\ne.g. runyard batch matrix --axis shard=1..20 -- npm test -- --shard '{{shard}}/20'")
    .action(async (words: string[], options: MatrixOptions) => {
      const { file, body } = await fan(words, options)
      await (options.submit ? send(matrix, body, file, options) : preview(matrix, body, file, options))
    })
}

const addSubmitOptions = (command: Command): Command =>
  command
    .option('--template <name>', 'a stored batch, yours or shared; the file goes over it')
    .option('--set <key=value>', 'a value for {{params.key}}', parseParam)
    .option('-n, --name <name>', 'of the batch')
    .option('--notify <channel[:on]>', 'tell a channel of its end; on: ended, failed, passed, cancelled', parseNotify)
    .option('-w, --watch', 'follow it to its end')
    .option('--idempotency-key <key>', 'the same key gives the same batch for 24 hours')
    .addOption(new Option('--limit <n>', 'rows to show').default(50).argParser(parseWithin(1, 1000)))

async function fan(
  words: string[],
  options: MatrixOptions,
): Promise<{ file: BatchFile | undefined; body: Record<string, unknown> }> {
  const { axis, include, exclude } = options
  const byWords = axis !== undefined || include !== undefined
  const [path, ...others] = words
  if (!byWords && options.template === undefined && (path === undefined || others.length > 0)) {
    throw new AppError('invalid_argument', 'name one file with a matrix, or give --axis NAME=VALUES -- COMMAND')
  }
  if (byWords && words.length === 0 && options.template === undefined) {
    throw new AppError('invalid_argument', "name the command after --, e.g. -- make '{{target}}'")
  }
  const file = byWords || path === undefined ? undefined : await readBatchFile(path)
  const axes = { ...(axis && { matrix: axis }), ...(include && { include }), ...(exclude && { exclude }) }
  const job = byWords && words.length > 0 ? { job: { command: words }, name: nameOfFan(words) } : {}
  return { file, body: withOptions({ ...file?.body, ...job, ...axes }, options) }
}

/** What is the same in all of its jobs. */
const nameOfFan = (words: string[]): string => {
  const plain = words.filter((word) => !word.includes('{{') && word !== '--').join(' ')
  return plain.trim().slice(0, 200) || 'matrix'
}

function withOptions(
  body: Record<string, unknown>,
  { template, set, name, notify }: SubmitOptions,
): Record<string, unknown> {
  const notified = Array.isArray(body.notify) ? body.notify : []
  return {
    ...body,
    ...(template && { template }),
    ...(name && { name }),
    ...(set && { params: { ...(body.params as object | undefined), ...set } }),
    ...(notify && { notify: [...notified, ...notify] }),
  }
}

async function preview(
  command: Command,
  body: Record<string, unknown>,
  file: BatchFile | undefined,
  options: SubmitOptions,
): Promise<void> {
  const named = body.name === undefined && body.template === undefined ? { name: 'preview', ...body } : body
  const input = { ...named, limit: options.limit }
  const { json } = globalsOf(command)
  const seen = await withServer(command, ({ client }) =>
    client.calls.batches
      .preview(input as Parameters<typeof client.calls.batches.preview>[0])
      .catch(atLines(file, json)),
  )
  if (json) printJson(seen)
  else if (seen.jobs.length > 0) process.stdout.write(previewTable(seen.jobs))
  if (seen.errors.length > 0) throw problemsError(seen.errors, file, json)
  if (json) return
  const hidden = seen.total - seen.jobs.length
  print(`${plural(seen.total, 'job')}${hidden > 0 ? ` (${hidden} not shown; --limit)` : ''}`)
}

async function send(
  command: Command,
  body: Record<string, unknown>,
  file: BatchFile | undefined,
  { watch, idempotencyKey: key = randomUUID() }: SubmitOptions,
): Promise<void> {
  const globals = globalsOf(command)
  const { json, verbose } = globals
  await withRunner(command, 'background', async (connection) => {
    const made = await repeated(() =>
      connection.client.calls.batches.create(body as BatchInput, { context: { idempotencyKey: key } }),
    ).catch(atLines(file, json))
    if (watch) {
      notice(`batch ${made.id}, ${plural(made.counts.total, 'job')}`, verbose)
      return follow(connection, made.id, globals)
    }
    if (json) return printJson(made)
    print(`Submitted batch ${made.id} with ${plural(made.counts.total, 'job')}`)
    notice(`runyard batch watch ${made.id}`)
  })
}
