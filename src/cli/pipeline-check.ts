/** `pipeline check`: what is wrong with pipelines.yml files, at their lines; no server is asked. */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { AppError } from '../lib/app-error.ts'
import { exitCodes } from './exit-codes.ts'
import { globalsOf } from './globals.ts'
import { paint, print, printable, printJson } from './render.ts'
import { plural } from './units.ts'

interface CheckedFile {
  path: string
  text: string
}
interface Problem {
  file: string
  line: number
  column: number
  path: string
  message: string
  severity: 'error' | 'warning'
}

export function defineCheck(pipeline: Command): void {
  const check = pipeline
    .command('check')
    .argument('[path...]', 'files, or directories to look in')
    .summary('check pipelines.yml files')
  check
    .description(
      'what is wrong with pipelines.yml files, here or below the directories that are named; needs no server',
    )
    .option('--strict', 'unknown keys are errors, as with RUNYARD_PIPELINES_STRICT')
    .addHelpText('after', '\nExit code: 0 no errors, 1 errors.')
    .action(async (paths: string[], { strict = false }: { strict?: boolean }) => {
      const given = paths.length === 0 ? ['.'] : paths
      const { filesAt, readText } = await import('../pipelines/find-files.ts')
      const { readPipelines } = await import('../pipelines/read-yaml.ts')
      const found = (await Promise.all(given.map((path) => filesAt(path).catch(unreadable(path))))).flat()
      if (found.length === 0) {
        throw new AppError(
          'failed_precondition',
          `there is no pipelines.yml and no pipelines.yaml below ${given.join(', ')}`,
        )
      }
      const files = await Promise.all(found.map(readText))
      const { pipelines, problems: all } = readPipelines(files, { strict })
      const problems = [...(await rootOwned(given)), ...all.map(({ pipeline: _pipeline, ...problem }) => problem)]
      if (problems.some(({ severity }) => severity === 'error')) process.exitCode = exitCodes.failed
      if (globalsOf(check).json) {
        const named = pipelines.map(({ name, path, definition }) => ({ name, path, tasks: definition.tasks.length }))
        return printJson({ pipelines: named, problems })
      }
      print(report(problems, files, pipelines.length))
    })
}

const unreadable = (path: string) => (cause: unknown) => {
  const { code } = cause as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'there is no such file or directory' : `cannot be read (${code ?? String(cause)})`
  throw new AppError('failed_precondition', `${path}: ${why}`, { cause })
}

/** Tasks run as the owner of the project, and never as root. */
async function rootOwned(paths: readonly string[]): Promise<Problem[]> {
  const message =
    'belongs to root, and no task runs as root: give it to the user who owns the project, e.g. chown -R www-data'
  const owned = await Promise.all(paths.map(async (path) => ({ path, found: await stat(path) })))
  return owned
    .filter(({ found }) => found.isDirectory() && found.uid === 0)
    .map(({ path }) => ({ file: path, line: 1, column: 1, path: '', message, severity: 'warning' }))
}

export function report(problems: readonly Problem[], files: readonly CheckedFile[], pipelines: number): string {
  const lines = new Map(files.map(({ path, text }) => [path, text.split('\n')]))
  const told = problems.map((problem) => {
    const { file, line, column, message, severity } = problem
    const word = paint(severity === 'error' ? 'red' : 'yellow', severity)
    const head = `${printable(file)}:${line}:${column}: ${word}: ${printable(nameOf(problem) + message)}`
    return [head, ...caret(lines.get(file)?.[line - 1], column)].join('\n')
  })
  const count = (severity: Problem['severity']): number => problems.filter((each) => each.severity === severity).length
  const sum = `${plural(pipelines, 'pipeline')} in ${plural(files.length, 'file')}: ${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}`
  return [...told, sum].join('\n')
}

/** The key that is wrong, where the place alone does not say it. */
const nameOf = ({ path }: Problem): string => (path === '' ? '' : `${path}: `)

/** The line, no longer than a terminal is wide, and a mark below the place. */
function caret(line: string | undefined, column: number): string[] {
  if (line === undefined || line.trim() === '') return []
  const from = Math.max(0, column - 60)
  const shown = printable(line.replaceAll('\t', ' ')).slice(from, from + 110)
  return [`  ${shown}`, `  ${' '.repeat(column - 1 - from)}^`]
}
