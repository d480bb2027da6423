/** A small disk that can be filled at once and emptied again: a tmpfs whose size is changed while it is in use. */
import { execFile } from 'node:child_process'
import { mkdirSync, statfsSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { diskName } from '../host.ts'

const run = promisify(execFile)
const usual = '2g'

export interface Disk {
  path: string
  /** No room for another byte, until healed. */
  fill(): Promise<() => Promise<void>>
  remove(): Promise<void>
}

export async function mountDisk(path: string): Promise<Disk> {
  mkdirSync(path, { recursive: true, mode: 0o711 })
  const { mode } = statSync(path)
  const resize = (size: string): Promise<unknown> => run('mount', ['-o', `remount,size=${size}`, path])
  await run('mount', ['-t', 'tmpfs', '-o', `size=${usual},mode=${(mode & 0o777).toString(8)}`, diskName, path])
  return {
    path,
    async fill() {
      // What is written between the look and the change makes the change fail.
      for (let tries = 0; ; tries++) {
        const { blocks, bfree, bsize } = statfsSync(path)
        const used = (blocks - bfree + 1 + tries) * bsize
        const filled = await resize(String(used)).then(
          () => true,
          (error: unknown) => {
            if (tries === 50) throw error
            return false
          },
        )
        if (filled) return () => resize(usual).then(() => {})
      }
    },
    remove: async () => void (await run('umount', ['-l', path])),
  }
}
