/** What a script gets beside itself, as files of a Secret; it has no socket to its runner, so helpers use their files. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartRefused, type AttemptOrder } from '../executor.ts'

/** A Secret holds a mebibyte, in base64 and with its names. */
const mostBytes = 700 * 1024

/** Path below `/runyard` → contents. */
export async function shownFiles({ helpersDir, helpersLibrary }: AttemptOrder): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  if (helpersDir === undefined) return files
  let bytes = 0
  const take = async (dir: string, at: string): Promise<void> => {
    for (const name of await readdir(dir)) {
      const path = join(dir, name)
      const found = await lstat(path)
      if (found.isDirectory()) await take(path, `${at}${name}/`)
      if (!found.isFile()) continue
      bytes += found.size
      if (bytes > mostBytes) break
      files.set(`${at}${name}`, await readFile(path))
    }
  }
  await take(helpersDir, '')
  if (helpersLibrary !== undefined) await take(helpersLibrary, 'lib/')
  if (bytes <= mostBytes) return files
  throw new StartRefused('refused', 'its script and input are more than the 700 KiB that Kubernetes keeps for one job')
}
