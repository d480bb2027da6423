/** What a script gets beside itself, as files in its own directory: a node does not see the runner's directories. */
import { chmod, cp, lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { artifactsPlace } from '../../job/artifacts.ts'
import { helpersPlace } from '../../job/helper-places.ts'
import type { AttemptOrder } from '../executor.ts'

/** Its environment and command with the paths that they have there. */
export async function rewritten(
  order: AttemptOrder,
  box: string,
): Promise<{ env: Record<string, string>; command: string[] }> {
  const moved = new Map<string, string>()
  const { helpersDir, helpersLibrary, artifactsDir, env, spec } = order
  if (helpersDir !== undefined) {
    const to = join(box, 'runyard')
    moved.set(helpersPlace, to)
    await copyInto(helpersDir, to)
    await chmod(to, 0o700)
    if (helpersLibrary !== undefined) {
      await mkdir(join(to, 'lib'), { recursive: true })
      await copyInto(helpersLibrary, join(to, 'lib'))
    }
  }
  if (artifactsDir !== undefined) {
    const to = join(box, 'artifacts')
    moved.set(artifactsPlace, to)
    await copyInto(artifactsDir, to)
  }
  const place = (text: string): string => {
    let found = text
    for (const [from, to] of moved) found = withPath(found, from, to)
    return found
  }
  const ours = (name: string): boolean => /^(?:RUNYARD_|CRONIUM_|NODE_PATH$|PYTHONPATH$|RUBYLIB$|PATH$)/.test(name)
  return {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, ours(name) ? place(value) : value])),
    command: helpersDir === undefined ? spec.command : spec.command.map(place),
  }
}

/** As a whole path or the beginning of one, alone, after `:` or after a scheme. */
export const withPath = (text: string, from: string, to: string): string =>
  text.replaceAll(new RegExp(`(^|:|://)${from}(?=$|[/:])`, 'g'), (_, before: string) => `${before}${to}`)

const copyInto = (from: string, to: string): Promise<void> =>
  cp(from, to, { recursive: true, filter: async (path) => !(await lstat(path)).isSocket() })
