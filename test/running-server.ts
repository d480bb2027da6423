/** A whole server on a fresh database, a free port and a scratch directory; and people to ask it. */
import { join } from 'node:path'
import { createApiClient, type ApiClient } from '../src/api/client.ts'
import { loadConfig, type Config } from '../src/config/config.ts'
import type { Db } from '../src/db/pool.ts'
import { startServer, type RunningServer, type ServerOptions } from '../src/server/server.ts'
import { testDatabase } from './database.ts'
import { removeScratch, scratchDir } from './scratch.ts'

export const adminPassword = 'correct horse battery staple'

export interface TestServer extends RunningServer {
  db: Db
  config: Config
  databaseUrl: string
  /** As the first administrator. */
  admin: RunningServer['admin']
  client: ApiClient
  /** A new user with a token of theirs. */
  person(role: 'admin' | 'operator' | 'viewer', username?: string): Promise<Person>
  /** Plain fetch below `/api/v1`. */
  fetch(path: string, init?: RequestInit & { token?: string }): Promise<Response>
  close(): Promise<void>
}

export interface Person {
  username: string
  password: string
  token: string
  client: ApiClient
}

export async function runningServer(
  env: Record<string, string> = {},
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const database = await testDatabase()
  const dir = scratchDir('s')
  const config = loadConfig({
    env: {
      RUNYARD_DATA_DIR: join(dir, 'data'),
      RUNYARD_RUN_DIR: join(dir, 'run'),
      DATABASE_URL: database.url,
      RUNYARD_PORT: '0',
      RUNYARD_GRPC_PORT: '0',
      RUNYARD_ADMIN_PASSWORD: adminPassword,
      ALLOWED_WORKDIRS: '/workspace',
      ...env,
    },
  })
  const server = await startServer(config, { version: '0.0.0-test', webRoot: join(dir, 'web'), ...options })
  const client = createApiClient({ baseUrl: server.url, token: server.localToken })
  let people = 0
  return {
    ...server,
    db: database.db,
    config,
    databaseUrl: database.url,
    client,
    async person(role, username = `${role}-${++people}`) {
      const password = `password of ${username}`
      await client.calls.users.create({ username, password, role })
      const { access_token: token } = await client.passwordGrant(username, password)
      return { username, password, token, client: createApiClient({ baseUrl: server.url, token }) }
    },
    fetch(path, { token = server.localToken, ...init } = {}) {
      const headers = new Headers(init.headers)
      if (token !== '') headers.set('authorization', `Bearer ${token}`)
      return fetch(`${server.url}/api/v1${path}`, { ...init, headers })
    },
    async close() {
      await server.stop()
      await database.drop()
      removeScratch(dir)
    },
  }
}
