/** For commands that work on the database itself: the one of DATABASE_URL, or the embedded one of the data directory. */
import type { Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { findLocal, hasData } from './instance/find-local.ts'
import { Held, openInstance, type OpenInstance } from './instance/open-instance.ts'

/** Nobody else uses the data directory meanwhile; commands that need a server wait. */
export async function withDataDirectory<T>(
  config: Config,
  use: (instance: OpenInstance) => Promise<T>,
  onStopAsked: () => void = () => {},
): Promise<T> {
  const nothing = (): void => {}
  const instance = await openInstance(config, {
    ephemeral: false,
    onRunnerWanted: nothing,
    onAbandoned: nothing,
    onLastClientGone: nothing,
    onStopAsked,
  })
  try {
    return await use(instance)
  } finally {
    await instance.close()
  }
}

/** Inside `withDataDirectory`. */
export async function withDatabase<T>(config: Config, use: (databaseUrl: string) => Promise<T>): Promise<T> {
  if (config.databaseUrl !== undefined) return use(config.databaseUrl)
  const { startEmbedded } = await import('../db/embedded.ts')
  const embedded = await startEmbedded(config)
  try {
    return await use(embedded.url)
  } finally {
    await embedded.stop()
  }
}

/** Beside the server that uses it, or by ourselves when there is none. */
export async function withLiveDatabase<T>(config: Config, use: (databaseUrl: string) => Promise<T>): Promise<T> {
  if (config.databaseUrl !== undefined) return use(config.databaseUrl)
  if (!hasData(config)) throw new AppError('not_found', `nothing has run yet on ${config.dataDir}`)
  for (let tries = 1; ; tries += 1) {
    // As its client: one that ends with its last client stays until we are done.
    const server = await findLocal(config, { start: 'no', runner: false })
    if (server !== undefined) {
      try {
        const { runningDatabase } = await import('../backup/index.ts')
        return await use(await runningDatabase(config.dataDir))
      } finally {
        await server.leave()
      }
    }
    try {
      return await withDataDirectory(config, () => withDatabase(config, use))
    } catch (error) {
      // A server was started this moment.
      if (!(error instanceof Held) || tries === 3) throw error
    }
  }
}
