import { isAbsolute, resolve } from 'node:path'
import { loadConfig, type ArgvFlags, type Config } from '../config/config.ts'
import type { HostAuthenticate } from '../access/host-people.ts'

export interface RunyardOptions {
  /** Directory of the state: database, logs, keys. One program at a time may use it. */
  dataDir: string
  /** PostgreSQL (15 or later); missing: one of its own in the data directory. */
  databaseUrl?: string
  /** Project directories whose `pipelines.yml` files are loaded. */
  pipelines?: string[]
  /** Of the HTTP listener; `127.0.0.1` and a free port when missing. */
  host?: string
  port?: number
  /** host:port of the listener with prunner's routes; missing: none. */
  prunnerAddress?: string
  /** False: none of its own; jobs wait for a runner that comes. */
  runner?: boolean
  /** Jobs at once; as `runyard up` decides when missing. */
  slots?: number
  /** Who asks, by the application's own sign-in; null leaves it to Runyard's tokens and sessions. */
  authenticate?: HostAuthenticate
  /** More settings by their environment names (docs/configuration.md). The environment itself is not read. */
  settings?: Record<string, string>
}

/** Throws AppError naming every wrong setting. */
export function configFor(options: RunyardOptions): Config {
  const { dataDir, databaseUrl, pipelines, host = '127.0.0.1', port = 0, prunnerAddress, slots } = options
  const argvFlags: ArgvFlags = {
    dataDir: isAbsolute(dataDir) ? dataDir : resolve(dataDir),
    databaseUrl,
    pipelines: pipelines?.map((dir) => resolve(dir)),
    host,
    port,
    prunnerAddress,
    runnerSlots: slots,
    // The runner's lines are on this program's stderr.
    ...(options.settings?.RUNYARD_LOG_LEVEL === undefined && { logLevel: 'warn' }),
    // A program has gRPC for other machines only when it asks for it.
    ...(options.settings?.RUNYARD_GRPC_PORT === undefined && { grpcPort: 0 }),
  }
  return loadConfig({ argvFlags, env: options.settings ?? {} })
}
