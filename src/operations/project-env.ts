/** The `.env` files of a project directory: the environment that its tasks begin with, as prunner's `--env-files`. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { AppError } from '../lib/app-error.ts'

const mostBytes = 64 * 1024

/**
 * Of later files over earlier ones; a file that is not there counts for nothing. Read when a task is about to be submitted:
 * small files, and their values belong sealed with the job, not into a definition that everybody reads.
 */
export function projectEnv(root: string, names: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of names) Object.assign(env, fileEnv(join(root, name), root))
  return env
}

function fileEnv(path: string, root: string): NodeJS.Dict<string> {
  let file: number
  try {
    // A server that is root reads it: no link, no pipe, and only what belongs to whoever the project belongs to.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw refused(path, code === 'ELOOP' ? 'is a link' : `cannot be read (${code})`)
  }
  try {
    const found = fstatSync(file)
    if (!found.isFile()) throw refused(path, 'is not a file')
    if (found.size > mostBytes) throw refused(path, `has more than ${mostBytes} bytes`)
    const project = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
    const owner = fstatSync(project).uid
    closeSync(project)
    if (found.uid !== owner) throw refused(path, `belongs to uid ${found.uid}, its project to uid ${owner}`)
    return parseEnv(readFileSync(file, 'utf8'))
  } finally {
    closeSync(file)
  }
}

const refused = (path: string, what: string): AppError =>
  new AppError('failed_precondition', `the environment file ${path} ${what}`)
