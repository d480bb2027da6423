/** Project directories: which runner has one, and where its tools are. Pure. */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { Labels } from './labels.ts'

/** What a runner with this project directory carries, and a task that works in it asks for. */
export function projectLabel(root: string): Labels {
  const place = posix.normalize(root).replace(/(?<=.)\/+$/, '')
  return { [`project-${createHash('sha256').update(place).digest('hex').slice(0, 16)}`]: 'yes' }
}

/** PATH with the programs of these directories first: their `bin`, or they themselves when that is their name. */
export const pathWith = (toolchains: readonly string[], path: string): string =>
  [...toolchains.map((dir) => (posix.basename(dir) === 'bin' ? dir : posix.join(dir, 'bin'))), path].join(':')
