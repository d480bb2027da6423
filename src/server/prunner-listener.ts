/** The listener for clients of prunner, when `RUNYARD_PRUNNER_ADDRESS` names one. */
import { join } from 'node:path'
import { ensureHostApp, hostAppSecret, mintHostAppToken, verifyHostAppToken, type HostApp } from '../access/host-app.ts'
import type { Role } from '../access/permissions.ts'
import { createPrunnerApp } from '../api/prunner/app.ts'
import type { WhileThere } from '../api/rest/contract-routes.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import type { Deps } from '../operations/deps.ts'
import { prunnerFace } from '../operations/prunner.ts'
import { listenHttp } from './listen-http.ts'

export const prunnerFile = ({ prunnerConfig, dataDir }: Pick<Config, 'prunnerConfig' | 'dataDir'>): string =>
  prunnerConfig ?? join(dataDir, '.prunner.yml')

export async function listenForPrunner(
  config: Config,
  parts: { deps: Deps; whileThere: WhileThere; version: string },
): Promise<{ url: string; stop(): Promise<void> } | undefined> {
  if (config.prunnerAddress === undefined) return undefined
  const at = addressOf(config.prunnerAddress)
  const { deps, whileThere, version } = parts
  const hostApp: HostApp = {
    secret: await hostAppSecret({ secret: config.prunnerJwtSecret, file: prunnerFile(config) }),
    role: config.prunnerRole as Role,
    strict: config.prunnerStrictJwt,
  }
  await ensureHostApp(deps.db, hostApp.role)
  let warned = false
  const app = await createPrunnerApp({
    operations: prunnerFace(deps),
    async authenticate(token) {
      const caller = await verifyHostAppToken(deps.db, hostApp, token)
      if (caller.expires === null && !warned) {
        // Once is enough: a client that polls would fill the log.
        warned = true
        emitFact({ name: 'prunner.token_without_end', level: 'warn', label: caller.label ?? '' })
      }
      return caller
    },
    whileThere,
    version,
    bodyLimitBytes: config.bodyLimitBytes,
    corsOrigins: config.prunnerCorsOrigins,
  })
  const url = await listenHttp(app, at)
  return { url, stop: () => app.close() }
}

function addressOf(text: string): { host: string; port: number } {
  const found = /^(.+):(\d{1,5})$/.exec(text)
  const port = Number(found?.[2])
  if (found && port <= 65_535) return { host: found[1]!.replace(/^\[(.*)\]$/, '$1'), port }
  const message = 'is host:port, e.g. 127.0.0.1:9009'
  throw new AppError('invalid_argument', `RUNYARD_PRUNNER_ADDRESS ${message}`, {
    fields: [{ field: 'RUNYARD_PRUNNER_ADDRESS', message }],
  })
}

/** As an application would mint it, for trying out: prunner's `debug`. */
export async function mintPrunnerToken(config: Config, how: { sub: string; seconds: number }): Promise<string> {
  const secret = await hostAppSecret({ secret: config.prunnerJwtSecret, file: prunnerFile(config) })
  return mintHostAppToken(secret, how)
}
