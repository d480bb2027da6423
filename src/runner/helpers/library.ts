/**
 * The helpers of every language (`runtime-helpers/`), where scripts can read them: copied once by each runner process,
 * since what it was installed into may be closed to the job's user. Each attempt has them by a bind, or by a link.
 */
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../lib/app-error.ts'
import { makeShownDir, removeShownDir } from '../shown-dirs.ts'

export interface Library {
  /** The directory with all of it. */
  place(): Promise<string>
  remove(): Promise<void>
}

const languages = ['js', 'python', 'bash', 'ruby', 'go']

/** `newDir`: as `newShownDir` names it. */
export function createLibrary(newDir: () => string): Library {
  let made: Promise<{ dir: string; files: string[] }> | undefined
  const make = async (): Promise<{ dir: string; files: string[] }> => {
    const dir = newDir()
    return { dir, files: await copyTo(dir) }
  }
  return {
    async place() {
      const found = await made?.catch(() => undefined)
      // Temp directories are cleaned of what is old.
      if (found?.files.every((file) => existsSync(file)) !== true) {
        made = make()
        made.catch(() => {})
      }
      return (await made!).dir
    },
    async remove() {
      const found = await made?.catch(() => undefined)
      made = undefined
      if (found !== undefined) await removeShownDir(found.dir)
    },
  }
}

/** In the package it stands beside the program. */
function sourceDir(): string {
  const places = ['./runtime-helpers', '../../runtime-helpers'].map((at) => fileURLToPath(new URL(at, import.meta.url)))
  const found = places.find((place) => existsSync(place))
  if (found === undefined) throw new AppError('internal', 'the runtime helpers are missing from this installation')
  return found
}

async function copyTo(dir: string): Promise<string[]> {
  const from = sourceDir()
  const files: string[] = []
  const copy = async (part: string): Promise<void> => {
    // Whatever our umask is, the job's user must pass.
    await mkdir(join(dir, part))
    await chmod(join(dir, part), 0o755)
    for (const entry of await readdir(join(from, part), { withFileTypes: true })) {
      const path = join(part, entry.name)
      if (entry.isDirectory()) await copy(path)
      else if (entry.isFile()) files.push(await copyOne(join(from, path), join(dir, path)))
    }
  }
  await makeShownDir(dir)
  for (const language of languages) await copy(language)
  return files
}

async function copyOne(from: string, to: string): Promise<string> {
  await copyFile(from, to)
  await chmod(to, 0o444)
  return to
}
