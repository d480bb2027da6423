/**
 * Where a runner is, as one word: the same for every process of one data directory until the machine boots again. A copy
 * of the directory (another path or inode) and a clone of the machine (another boot) have another, whatever host name
 * they go by.
 */
import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'

export async function placeOf(dataDir: string, bootIdFile = '/proc/sys/kernel/random/boot_id'): Promise<string> {
  const path = await realpath(dataDir)
  const { ino } = await stat(path)
  const boot = await readFile(bootIdFile, 'utf8').catch(() => '') // Linux only
  return createHash('sha256').update(`${path}\0${ino}\0${boot.trim()}`).digest('hex').slice(0, 16)
}
