/** Logins that `runyard login` keeps, in the user's own configuration folder, readable by nobody else. */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AppError } from '../lib/app-error.ts'

export interface SavedLogin {
  token: string
  /** To revoke it at logout. */
  token_id?: string
  username: string
}

/** Of a server that is spoken to over gRPC; paths, absolute. The key itself stays where it is. */
export interface SavedCertificate {
  cert: string
  key: string
  ca: string
  username: string
  role: string
}

interface LoginFile {
  /** The server that commands talk to when they name none. */
  current: string | null
  servers: Record<string, SavedLogin | SavedCertificate>
}

const fileOf = (env: NodeJS.ProcessEnv): string =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'runyard', 'logins.json')

export async function readLogins(env: NodeJS.ProcessEnv = process.env): Promise<LoginFile> {
  try {
    const found = JSON.parse(await readFile(fileOf(env), 'utf8')) as Partial<LoginFile>
    return { current: found.current ?? null, servers: found.servers ?? {} }
  } catch {
    return { current: null, servers: {} }
  }
}

export async function writeLogins(logins: LoginFile, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const file = fileOf(env)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 })
  await chmod(`${file}.${process.pid}`, 0o600)
  await rename(`${file}.${process.pid}`, file)
  return file
}

const grpcScheme = 'grpc://'
/** Under which a server with a certificate is kept. */
export const profileName = (server: string): string => grpcScheme + server
export const serverInName = (name: string): string => name.slice(grpcScheme.length)

/** `host:port` may be either; a certificate that was saved for it decides. */
export function savedProfileName(text: string, servers: LoginFile['servers']): string | undefined {
  const bare = text.replace(/^grpcs?:\/\//i, '').replace(/\/$/, '')
  const names = [bare, `${bare}:50051`].map((server) => profileName(server.toLowerCase()))
  return names.find((name) => Object.hasOwn(servers, name))
}

/** One spelling per server: `localhost:8000/` and `http://localhost:8000` are the same. */
export function serverUrl(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    throw new AppError('invalid_argument', `${text}: a server is spoken to over http:// or https:// only`)
  const full = scheme === undefined ? `http://${text}` : text
  if (!URL.canParse(full))
    throw new AppError('invalid_argument', `${text} is no server’s address; write e.g. https://runyard.example:8000`)
  const url = new URL(full)
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}
