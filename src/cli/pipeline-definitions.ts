/** `pipeline put`, `versions`, `diff`, `restore`, `delete`: pipelines that are stored on the server. */
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { PipelineDetail } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { withServer } from './connect.ts'
import { globalsOf } from './globals.ts'
import { agreed, refuseUnasked } from './prompt.ts'
import { dateTime, paint, print, printable, printJson, table } from './render.ts'
import { parseWhole, parseWithin, plural } from './units.ts'

export function defineDefinitions(pipeline: Command): void {
  definePut(pipeline)
  defineVersions(pipeline)
  defineDiff(pipeline)
  defineRestore(pipeline)
  defineRemove(pipeline)
}

function definePut(pipeline: Command): void {
  const put = pipeline
    .command('put')
    .argument('<file>', 'a pipelines.yml with one pipeline')
    .summary('store a pipeline')
  put
    .description('store a pipeline on the server, or a new version of it; one that a file defines is changed there')
    .option('--strict', 'unknown keys are errors')
    .option('--expect <version>', 'refuse when another version is in force; 0: when there is one', parseWhole)
    .action(async (path: string, { strict = false, expect }: { strict?: boolean; expect?: number }) => {
      const { source, name } = await readOne(path, strict)
      const stored = await withServer(put, ({ client }) =>
        client.calls.pipelines.put({ name, source, strict, expected_version: expect }),
      )
      if (globalsOf(put).json) return printJson(stored)
      print(inForce(stored as PipelineDetail))
    })
}

/** Checked here, where the lines of the file can be shown. */
async function readOne(path: string, strict: boolean): Promise<{ source: string; name: string }> {
  const { filesAt, readText } = await import('../pipelines/find-files.ts')
  const { readPipelines } = await import('../pipelines/read-yaml.ts')
  const { report } = await import('./pipeline-check.ts')
  const [found] = await filesAt(path).catch((cause: unknown) => {
    throw new AppError('invalid_argument', `${path}: cannot be read`, { cause })
  })
  if (found === undefined) throw new AppError('invalid_argument', `${path}: there is no pipelines.yml`)
  const file = await readText(found)
  const { pipelines, problems } = readPipelines([file], { strict })
  if (problems.some(({ severity }) => severity === 'error')) {
    throw new AppError(
      'invalid_argument',
      `${basename(path)} cannot be stored\n${report(problems, [file], pipelines.length)}`,
    )
  }
  const [only, second] = pipelines
  if (only === undefined || second !== undefined) {
    throw new AppError('invalid_argument', `${path}: must have one pipeline in it, not ${pipelines.length}: divide it`)
  }
  return { source: file.text, name: only.name }
}

function defineVersions(pipeline: Command): void {
  const versions = pipeline.command('versions').argument('<name>', 'of the pipeline').summary('versions of a pipeline')
  versions
    .description('versions of a pipeline, newest first; runs keep the one that they were started with')
    .option('--limit <n>', 'how many', parseWithin(1, 200), 50)
    .action(async (name: string, { limit }: { limit: number }) => {
      const found = await withServer(versions, ({ client }) => client.calls.pipelines.versions({ name, limit }))
      if (globalsOf(versions).json) return printJson(found.versions)
      const rows = found.versions.map((version) => [
        `${version.number}${version.current ? ' *' : ''}`,
        dateTime(version.created_at),
        version.created_by === null ? 'from its file' : printable(version.created_by),
        String(version.tasks),
      ])
      process.stdout.write(table([{ title: 'VERSION' }, { title: 'SINCE' }, { title: 'BY' }, { title: 'TASKS' }], rows))
    })
}

function defineDiff(pipeline: Command): void {
  const diff = pipeline
    .command('diff')
    .argument('<name>', 'of the pipeline')
    .summary('what changed between two versions')
  diff
    .argument('<from>', 'number of a version', parseWhole)
    .argument('<to>', 'number of a version', parseWhole)
    .description('what changed between two versions of a pipeline')
    .action(async (name: string, from: number, to: number) => {
      const found = await withServer(diff, ({ client }) => client.calls.pipelines.diff({ name, from, to }))
      if (globalsOf(diff).json) return printJson(found)
      for (const { kind, text } of found.lines) {
        const line = printable(text)
        if (kind === 'same') print(`  ${line}`)
        else print(kind === 'added' ? paint('green', `+ ${line}`) : paint('red', `- ${line}`))
      }
    })
}

function defineRestore(pipeline: Command): void {
  const restore = pipeline
    .command('restore')
    .argument('<name>', 'of the pipeline')
    .summary('go back to an earlier version')
  restore
    .argument('<version>', 'its number', parseWhole)
    .description('store an earlier version as the newest')
    .action(async (name: string, number: number) => {
      const stored = await withServer(restore, ({ client }) => client.calls.pipelines.restore({ name, number }))
      if (globalsOf(restore).json) return printJson(stored)
      print(inForce(stored as PipelineDetail))
    })
}

function defineRemove(pipeline: Command): void {
  const remove = pipeline.command('delete').argument('<name>', 'of the pipeline').summary('delete a stored pipeline')
  remove
    .description('delete a stored pipeline: runs that wait are cancelled, those that run go on, those that ended stay')
    .option('-y, --yes', 'do it without asking')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      refuseUnasked(yes, `runyard pipeline delete ${name}`)
      const done = await withServer(remove, async ({ client }) => {
        const question = async (): Promise<string> => {
          const { waiting } = await client.calls.pipelines.get({ name })
          return `Delete the pipeline ${printable(name)}${waiting > 0 ? `, and cancel ${plural(waiting, 'run')} that wait` : ''}?`
        }
        if (!(await agreed(yes, question))) return false
        await client.calls.pipelines.delete({ name })
        return true
      })
      if (!done) return
      if (globalsOf(remove).json) return printJson({ name, deleted: true })
      print(`Deleted ${printable(name)}`)
    })
}

const inForce = ({ name, version, tasks }: PipelineDetail): string =>
  `${printable(name)}: version ${version} is in force, ${plural(tasks, 'task')}; runyard pipeline start ${printable(name)}`
