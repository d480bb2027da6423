/** `setup` as one can type it: a program found through npx is not on root's PATH, so `sudo runyard` would not be found. */
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join, sep } from 'node:path'
import { packageRoot } from './package-root.ts'

/** How the executors say it. */
export const spelledForNpx = 'sudo npx runyard setup --yes'

interface Surroundings {
  uid?: number | undefined
  path?: string | undefined
  root?: string
}

export function setupLine({
  uid = process.getuid?.(),
  path = process.env.PATH,
  root = packageRoot,
}: Surroundings = {}): string {
  const program = installedGlobally(path ?? '', root) ? 'runyard' : 'npx runyard'
  // Root needs no sudo, and in a container there is often none.
  return `${uid === 0 ? '' : 'sudo '}${program} setup --yes`
}

/** A text of the executors, which cannot know how we were started. */
export const spelled = (text: string, line = setupLine()): string => text.replaceAll(spelledForNpx, line)

/** npx and npm scripts put `node_modules/.bin` on the PATH for the moment only. */
function installedGlobally(path: string, root: string): boolean {
  const home = realpathSync(root) + sep
  return path
    .split(delimiter)
    .filter((dir) => dir !== '' && !/node_modules\/\.bin\/?$/.test(dir))
    .map((dir) => join(dir, 'runyard'))
    .some((file) => existsSync(file) && realpathSync(file).startsWith(home))
}
