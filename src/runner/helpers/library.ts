/** The helpers of every language (`runtime-helpers/`), as they are put beside a script. Read once. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../lib/app-error.ts'

const languages = ['js', 'python', 'bash', 'ruby', 'go']

let files: Map<string, Buffer> | null = null

/** In the package it stands beside the program. */
function sourceDir(): string {
  const places = ['./runtime-helpers', '../../runtime-helpers'].map((at) => fileURLToPath(new URL(at, import.meta.url)))
  const found = places.find((place) => existsSync(place))
  if (found === undefined) throw new AppError('internal', 'the runtime helpers are missing from this installation')
  return found
}

function read(): Map<string, Buffer> {
  const from = sourceDir()
  const all = languages
    .filter((language) => existsSync(join(from, language)))
    .flatMap((language) => readdirSync(join(from, language), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/\.test\.|_test\./.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  return new Map(all.map((path) => [path.slice(from.length + 1), readFileSync(path)]))
}

/** Whatever our umask is, the job's user must pass. */
function makeAll(path: string, within: string, made: Set<string>): void {
  if (path === within || made.has(path)) return
  makeAll(dirname(path), within, made)
  mkdirSync(path)
  chmodSync(path, 0o755)
  made.add(path)
}

/** Some 20 small files, in a millisecond: less than a second bind would cost in code. */
export function writeLibrary(dir: string): void {
  files ??= read()
  const made = new Set<string>()
  for (const [name, bytes] of files) {
    const path = join(dir, 'lib', name)
    makeAll(dirname(path), dir, made)
    writeFileSync(path, bytes)
    chmodSync(path, 0o444)
  }
  // `import 'cronium'` looks for it beside the script.
  symlinkSync('lib/js/modules', join(dir, 'node_modules'))
}
