/** Which server a command talks to, how, and with which credential: `--server`, `--cert`, the saved login, this machine. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ApiClient } from '../api/client.ts'
import { loadConfig, type ArgvFlags, type Config } from '../config/config.ts'
import { AppError } from '../lib/app-error.ts'
import { globalsOf, settingFlags } from './globals.ts'
import type { GrpcProfile } from './grpc-profile.ts'
import { findLocal, hasData, type LocalServer, type Wish } from './instance/find-local.ts'
import { isOverGrpc, needsWeb, wordsOf } from './needs-web.ts'
import { notice } from './render.ts'
import { readLogins, savedProfileName, serverInName, serverUrl } from './saved-logins.ts'
import { version } from './version.ts'

export interface Connection {
  client: ApiClient
  url: string
  /** Missing when the server is elsewhere. */
  local?: LocalServer
  /** The server that took the place of a local one which ended; undefined when none did in that time. */
  rejoin(patienceMs: number): Promise<Connection | undefined>
  /** Waits for the end of a server that we started and were the last to use. */
  close(): Promise<void>
}

export interface ConnectWish extends Pick<Wish, 'start' | 'runner'> {
  /** Called when this machine's own runner is to do the work. */
  beforeLocal?: () => void
}

export async function connect(command: Command, wish: ConnectWish): Promise<Connection> {
  const globals = globalsOf(command)
  const { server, ...flags } = settingFlags(command)
  // `--server URL` chooses a server here; the setting of that name is what it overrides.
  const config = loadConfig({
    argvFlags: { ...flags, server: globals.server ?? server },
    envFile: globals.settingsFile,
  })
  refuseKeyAlone(config.cert, flags)
  const onlyLocal = globals.dataDir !== undefined && globals.server === undefined && flags.cert === undefined
  const profile = onlyLocal ? undefined : await profileOf(config, flags.cert !== undefined)
  // A login that was saved for jobs must not lock people out of everything else on the server's own machine.
  const here = profile?.saved === true && config.server === undefined && !isOverGrpc(command)
  if (profile !== undefined && !here) {
    // Before anything is asked of the person: no answer would help.
    if (!isOverGrpc(command)) throw (await import('../api/grpc/job-client.ts')).notOverGrpc()
    return overGrpc(profile)
  }
  const remote = await remoteOf(config, onlyLocal || here)
  const loadClient = import('../api/client.ts')
  if (remote !== undefined) {
    const { createApiClient } = await loadClient
    return {
      client: createApiClient({ baseUrl: remote.url, token: remote.token }),
      url: remote.url,
      rejoin: async () => undefined,
      close: async () => {},
    }
  }
  wish.beforeLocal?.()
  const local = await findLocal(config, {
    runner: wish.runner,
    // Reading what happened earlier needs a server; where nothing ever happened there is nothing to read.
    start: here || (wish.start === 'ephemeral' && !wish.runner && !hasData(config)) ? 'no' : wish.start,
    flags: globals.settingsFile === undefined ? [] : ['--settings', globals.settingsFile],
    onProgress: (text) => notice(text, globals.verbose),
  })
  if (local === undefined) throw here ? await notHere(command, profile) : nothingHere(config)
  if (here)
    notice(
      `${wordsOf(command)} does not go over gRPC to ${profile.server}: asking this machine's server`,
      globals.verbose,
    )
  if (local.version !== version) notice(`the running server is version ${local.version}, this is ${version}`, true)
  const { createApiClient } = await loadClient
  const opened = async (member: LocalServer): Promise<Connection> => {
    const token = config.token ?? (await localToken(config))
    return {
      client: createApiClient({ baseUrl: member.url, token }),
      url: member.url,
      local: member,
      async rejoin(patienceMs) {
        const other = await findAgain(config, wish.runner, patienceMs)
        return other === undefined ? undefined : opened(other)
      },
      close: () => member.leave(),
    }
  }
  return opened(local)
}

async function notHere(command: Command, { server }: GrpcProfile): Promise<AppError> {
  const { servers } = await readLogins()
  return needsWeb(
    command,
    server,
    Object.keys(servers).filter((name) => /^https?:/.test(name)),
  )
}

async function overGrpc(profile: GrpcProfile): Promise<Connection> {
  const { openProfile } = await import('./grpc-profile.ts')
  const client = await openProfile(profile)
  return {
    client,
    url: profile.server,
    rejoin: async () => undefined,
    close: async () => client.close(),
  }
}

/** They say nothing about who asks: without the certificate they would be passed over in silence. */
function refuseKeyAlone(cert: string | undefined, { key, ca }: ArgvFlags): void {
  if (cert !== undefined || (key === undefined && ca === undefined)) return
  const flag = key === undefined ? '--ca' : '--key'
  throw new AppError('invalid_argument', `${flag} goes with --cert, which is missing`)
}

/** `flagged`: the certificate was named for this command, so nothing else will do. */
async function profileOf(config: Config, flagged: boolean): Promise<(GrpcProfile & { saved: boolean }) | undefined> {
  const { certificatePaths, grpcServer, grpcServerHere } = await import('./grpc-profile.ts')
  const { cert } = config
  if (cert !== undefined) {
    const server = grpcServer(config.server ?? (await grpcServerHere(config)))
    if (server !== undefined) return { server, files: certificatePaths(cert, config), saved: false }
    if (!flagged) return undefined
    throw new AppError('invalid_argument', `--cert goes with a gRPC server, host:port, and ${config.server} is none`)
  }
  const { current, servers } = await readLogins()
  const named = config.server === undefined ? current : savedProfileName(config.server, servers)
  const login = named === null || named === undefined ? undefined : servers[named]
  return named && login && 'cert' in login ? { server: serverInName(named), files: login, saved: true } : undefined
}

async function findAgain(config: Config, runner: boolean, patienceMs: number): Promise<LocalServer | undefined> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const left = giveUpAt - performance.now()
    if (left <= 0) return undefined
    const finding = findLocal(config, { start: 'no', runner }).catch(() => undefined)
    const found = await Promise.race([finding, sleep(left)])
    if (found !== undefined) return found
    await sleep(Math.min(200, left))
  }
}

export async function remoteOf(
  config: Config,
  onlyLocal: boolean,
): Promise<{ url: string; token: string | undefined } | undefined> {
  if (onlyLocal) return undefined
  const logins = await readLogins()
  const url = config.server === undefined ? logins.current : serverUrl(config.server)
  if (url === null) return undefined
  const login = logins.servers[url]
  const token = config.token ?? (login && 'token' in login ? login.token : undefined)
  if (token === undefined) {
    // A wrong address is the more common mistake, and signing in there would not help.
    const { createApiClient } = await import('../api/client.ts')
    await createApiClient({ baseUrl: url, timeoutMs: 5000 }).calls.health()
    throw new AppError('unauthenticated', `not signed in to ${url}: runyard login ${url}`)
  }
  return { url, token }
}

const nothingHere = (config: Config): AppError =>
  new AppError(
    'not_found',
    `nothing has run yet on ${config.dataDir}, and no server is running; begin with \`runyard up\` or \`runyard run -- …\``,
  )

async function localToken(config: Config): Promise<string> {
  const file = join(config.dataDir, 'secrets', 'local.token')
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new AppError('unauthenticated', `cannot read ${file}; sign in with \`runyard login\``, { cause })
  }
}

/** For commands that only read or steer: a server for the moment when none runs, without a runner. */
export async function withServer<T>(command: Command, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(command, { start: 'ephemeral', runner: false })
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}
