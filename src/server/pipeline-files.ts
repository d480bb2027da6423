/** The pipelines.yml files of this server's project directories, loaded before it answers and whenever they change. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { emitFact } from '../lib/facts.ts'
import { watchFiles, type FileWatch } from '../pipelines/watch-files.ts'
import type { Deps } from '../operations/deps.ts'
import { serverNameIn } from './server-name.ts'
import { reportFailure } from './upkeep.ts'

export async function watchPipelineFiles(
  config: Config,
  { db, schedulesChanged }: Pick<Deps, 'db' | 'schedulesChanged'>,
  { retiresOthers }: { retiresOthers: boolean },
): Promise<FileWatch> {
  const server = await serverNameIn(config.dataDir)
  const roots = config.pipelines.map((root) => resolve(root))
  const parts = { db, server, roots, retiresOthers, strict: config.pipelinesStrict, schedulesChanged }
  return watchFiles(parts, { onError: reportFailure })
}

/** What keeps the tasks of these project directories from ever starting; the runner would refuse them one by one. */
export async function projectWarnings({ pipelines }: Pick<Config, 'pipelines'>): Promise<string[]> {
  const warnings: string[] = []
  for (const root of pipelines.map((each) => resolve(each))) {
    // A directory that is away is told of with the problems of its files.
    const found = await stat(root).catch(() => null)
    if (found?.uid !== 0) continue
    const why =
      `${root} belongs to root, and no task runs as root: give it to the user that its tasks should run as, ` +
      `e.g.: chown -R ${process.env.SUDO_USER ?? 'www-data'}: ${root}`
    emitFact({ name: 'pipelines.root_owned', level: 'warn', why })
    warnings.push(why)
  }
  return warnings
}
