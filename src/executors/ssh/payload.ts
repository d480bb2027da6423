/** What is brought to the host: the directory of an attempt, as a tar. No secret is in it. */
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack, type Pack } from 'tar-stream'
import { helperFiles } from '../../job/helper-places.ts'
import type { AttemptOrder } from '../executor.ts'
import { artifactPatience, encodePickup, leavesFiles, pickupArgv, type PickupOrder } from '../sandbox/pickup.ts'
import { remoteScript } from './remote.ts'

export interface Brought {
  limits: string
  /** For its log, before anything else. */
  notice?: string
  /** Of one with `RUNYARD_OUTPUT`: there. */
  output: string | null
}

/** The script comes last: a tar that was cut off has none, and nothing begins. */
export function payloadOf(order: AttemptOrder, { limits, notice, output }: Brought): Pack {
  const tar = pack()
  void (async () => {
    await text(tar, 'limits', limits)
    if (notice !== undefined) await text(tar, 'notice', notice)
    if (leavesFiles(order.spec)) {
      // Beside a command that has ended: it has none of its own.
      const [, , script] = pickupArgv('', '', '', '')
      await text(tar, 'pickup.pl', script!)
      await text(tar, 'order', encodePickup(pickupOf(order, output)))
    }
    if (output !== null) await text(tar, 'output/values', '')
    if (order.helpersDir !== undefined)
      await copy(tar, order.helpersDir, 'runyard', [helperFiles.socket, 'bin', helperFiles.library])
    if (order.helpersDir !== undefined && order.helpersLibrary !== undefined)
      await copy(tar, order.helpersLibrary, `runyard/${helperFiles.library}`)
    if (order.artifactsDir !== undefined) await copy(tar, order.artifactsDir, 'artifacts')
    await text(tar, 'remote.sh', remoteScript())
    tar.finalize()
  })().catch((error: Error) => tar.destroy(error))
  return tar
}

const pickupOf = (
  { spec, artifactCaps = { bytes: 0, files: 0 } }: AttemptOrder,
  output: string | null,
): PickupOrder => {
  const caps = spec.artifacts ? artifactCaps : { bytes: 0, files: 0 }
  return {
    output,
    reports: spec.junit ?? [],
    artifacts: spec.artifacts ?? [],
    caps,
    patience: spec.cleanup_seconds ?? artifactPatience(caps),
    command: ['true'],
    env: {},
  }
}

/** A tar that is cut off says so to its reader; said by an entry that nobody listens to, it would end this process. */
const quiet = (entry: ReturnType<Pack['entry']>): typeof entry => entry.on('error', () => {})

const text = (tar: Pack, name: string, content: string | Buffer, mode = 0o600): Promise<void> =>
  new Promise((resolve, reject) => {
    quiet(tar.entry({ name, mode }, content, (error) => (error ? reject(error) : resolve())))
  })

const bare = (tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    quiet(tar.entry(header, (error) => (error ? reject(error) : resolve())))
  })

async function copy(tar: Pack, from: string, to: string, without: string[] = []): Promise<void> {
  await bare(tar, { name: to, type: 'directory', mode: 0o700 })
  for (const name of (await readdir(from)).toSorted()) {
    if (without.includes(name)) continue
    const path = join(from, name)
    const found = await lstat(path)
    if (found.isDirectory()) await copy(tar, path, `${to}/${name}`)
    else if (found.isSymbolicLink())
      await bare(tar, { name: `${to}/${name}`, type: 'symlink', linkname: await readlink(path) })
    else if (found.isFile()) {
      const entry = quiet(tar.entry({ name: `${to}/${name}`, size: found.size, mode: found.mode & 0o500 || 0o400 }))
      // It may have grown meanwhile, and the tar has said how long it is.
      await pipeline(createReadStream(path, found.size > 0 ? { end: found.size - 1 } : {}), entry)
    }
  }
}
