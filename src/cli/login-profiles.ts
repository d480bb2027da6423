/** Logins by certificate: what `login --cert` keeps, and the list of all logins. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../lib/app-error.ts'
import { configOf, settingFlags } from './globals.ts'
import { certificatePaths, grpcServer, grpcServerHere, openProfile, type GrpcProfile } from './grpc-profile.ts'
import { notice, print, printJson, table } from './render.ts'
import { profileName, readLogins, savedProfileName, serverInName, writeLogins } from './saved-logins.ts'
import { showEnd } from './units.ts'

/** What a `login` with a certificate means; undefined: one with a password or a token. */
export async function profileWish(command: Command, given: string | undefined): Promise<GrpcProfile | undefined> {
  const config = configOf(command)
  const named = given ?? config.server
  const { cert } = config
  if (cert === undefined) {
    const { servers } = await readLogins()
    const name = named === undefined ? undefined : savedProfileName(named, servers)
    const saved = name === undefined ? undefined : servers[name]
    return name && saved && 'cert' in saved ? { server: serverInName(name), files: saved } : undefined
  }
  const server = grpcServer(named ?? (await grpcServerHere(config)))
  if (server === undefined) {
    if (settingFlags(command).cert === undefined) return undefined
    throw new AppError('invalid_argument', `--cert goes with a gRPC server, host:port, and ${named} is none`)
  }
  const { key, ca, ...rest } = certificatePaths(cert, config)
  return { server, files: { cert: resolve(rest.cert), key: resolve(key), ca: resolve(ca) } }
}

/** Nothing is kept that does not work. */
export async function saveProfile(profile: GrpcProfile, json: boolean): Promise<void> {
  const client = await openProfile(profile)
  const { username, role, notAfter } = await client.whoAmI().finally(() => client.close())
  const { cert, key, ca } = profile.files
  const logins = await readLogins()
  const name = profileName(profile.server)
  const file = await writeLogins({
    current: name,
    servers: { ...logins.servers, [name]: { cert, key, ca, username, role } },
  })
  if (json) return printJson({ server: profile.server, username, role, ends_at: notAfter?.toISOString() ?? null })
  const until = notAfter === null ? '' : `, until ${showEnd(notAfter.toISOString())}`
  print(`Signed in to ${profile.server} as ${username} (${role})${until}; where the certificate is stands in ${file}`)
}

export async function showLogins(json: boolean): Promise<void> {
  const { current, servers } = await readLogins()
  const logins = Object.entries(servers).map(([name, login]) => ({
    server: 'cert' in login ? serverInName(name) : name,
    username: login.username,
    by: 'cert' in login ? login.cert : 'token',
    current: name === current,
  }))
  if (json) return printJson(logins)
  if (logins.length === 0) return notice('there is no login')
  const titles = ['', 'SERVER', 'AS', 'BY'].map((title) => ({ title, shrinks: title === 'BY' }))
  process.stdout.write(
    table(
      titles,
      logins.map((l) => [l.current ? '*' : '', l.server, l.username, l.by]),
    ),
  )
}
