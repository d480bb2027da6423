/** The pipelines.yml files of this server's project directories, loaded before it answers and whenever they change. */
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { watchFiles, type FileWatch } from '../pipelines/watch-files.ts'
import type { Deps } from '../operations/deps.ts'
import { serverNameIn } from './server-name.ts'
import { reportFailure } from './upkeep.ts'

export async function watchPipelineFiles(
  config: Config,
  { db, schedulesChanged }: Pick<Deps, 'db' | 'schedulesChanged'>,
): Promise<FileWatch> {
  const server = await serverNameIn(config.dataDir)
  const roots = config.pipelines.map((root) => resolve(root))
  const parts = { db, server, roots, strict: config.pipelinesStrict, schedulesChanged }
  return watchFiles(parts, { onError: reportFailure })
}
