/** Which disks (MAJ:MIN of the whole device, as the io controller wants them) a job's files are on. */
import { existsSync, readFileSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

const tmpfsMagic = 0x01021994

/** A string is the reason why not. */
export async function disksUnder(paths: string[]): Promise<string[] | string> {
  const found = new Set<string>()
  for (const path of paths) {
    if ((await statfs(path)).type === tmpfsMagic) continue
    const device = wholeDisk((await stat(path)).dev)
    if (device === null) return `the disk under ${path} is not known to the kernel as one device`
    found.add(device)
  }
  return [...found]
}

function wholeDisk(dev: number): string | null {
  const wide = BigInt(dev)
  const major = Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn))
  const minor = Number((wide & 0xffn) | ((wide >> 12n) & ~0xffn))
  const dir = `/sys/dev/block/${major}:${minor}`
  // btrfs, overlay and network file systems have made-up device numbers.
  if (major === 0 || !existsSync(dir)) return null
  if (!existsSync(join(dir, 'partition'))) return `${major}:${minor}`
  return readFileSync(join(dir, '..', 'dev'), 'latin1').trim()
}
