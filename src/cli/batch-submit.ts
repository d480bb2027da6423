/** `batch submit` and `batch matrix`: from a file or from words to a batch, or to a look at what it would be. */
import { randomUUID } from 'node:crypto'
import { Option, type Command } from 'commander'
import { paramsUsed, type Combination, type Notify, type Scalar } from '../api/contract/batches.ts'
import type { BatchInput } from '../api/contract/index.ts'
import { nearest } from '../config/nearest.ts'
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
    .addOption(new Option('--dry-run', 'show what it would be, submit nothing').conflicts(['watch', 'idempotencyKey']))
    .action(async (path: string | undefined, options: SubmitOptions) => {
      if (path === undefined && options.template === undefined) {
        throw new AppError('invalid_argument', 'name a file (- is stdin), or a --template')
      }
      const file = path === undefined ? undefined : await readBatchFile(path)
      const body = withOptions(file?.body ?? {}, options)
      const places = file && withFlags(file, options)
      await (options.dryRun ? preview(submit, body, places, options) : send(submit, body, places, options))
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
      onlyWithSubmit(options)
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
  return { file: file && withFlags(file, options), body: withOptions({ ...file?.body, ...job, ...axes }, options) }
}

/** What is the same in all of its jobs. */
const nameOfFan = (words: string[]): string => {
  const plain = words.filter((word) => !word.includes('{{') && word !== '--').join(' ')
  return plain.trim().slice(0, 200) || 'matrix'
}

/** A look tells nobody, is not followed and makes nothing twice. */
function onlyWithSubmit({ submit, watch, notify, idempotencyKey }: MatrixOptions): void {
  if (submit) return
  const flags = Object.entries({ '--watch': watch, '--notify': notify, '--idempotency-key': idempotencyKey })
  const [flag] = flags.find(([, value]) => value !== undefined) ?? []
  if (flag !== undefined) throw new AppError('invalid_argument', `${flag} goes with --submit`)
}

/** Places of a document of which some is not from the file. */
function withFlags(file: BatchFile, { template, set = {}, name, notify = [] }: SubmitOptions): BatchFile {
  const inFile = Array.isArray(file.body.notify) ? file.body.notify.length : 0
  const flagOf = (field: string): string | undefined => {
    const [, index] = /^notify\[(\d+)\]/.exec(field) ?? []
    if (index !== undefined && Number(index) >= inFile && notify.length > 0) return '--notify'
    if (field === 'name' && name !== undefined) return '--name'
    if (field === 'template' && template !== undefined) return '--template'
    return Object.keys(set).some((key) => field === `params.${key}`) ? '--set' : undefined
  }
  return { ...file, placeOf: (field) => flagOf(field) ?? file.placeOf(field) }
}

/** A mistyped parameter would run with the default; that of a template is the server's to know. */
function checkSet(body: Record<string, unknown>, { template, set = {} }: SubmitOptions): void {
  if (template !== undefined || body.template !== undefined) return
  const { params, ...rest } = body
  const known = [...new Set([...Object.keys((params ?? {}) as object), ...paramsUsed(rest)])]
  const stranger = Object.keys(set).find((key) => !known.includes(key))
  if (stranger === undefined) return
  const near = nearest(stranger, known)
  const hint = near === undefined ? `; there are: ${known.join(', ') || 'none'}` : `; did you mean ${near}?`
  throw new AppError('invalid_argument', `--set: nothing here uses {{params.${stranger}}}${hint}`)
}

function withOptions(body: Record<string, unknown>, options: SubmitOptions): Record<string, unknown> {
  const { template, set, name, notify } = options
  checkSet(body, options)
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
