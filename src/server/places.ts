/** Files by which the other commands find a running server. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface ServerFile {
  url: string
  /** host:port of gRPC, once there is an authority. */
  grpc?: string
  pid: number
  version: string
  started_at: string
}

export const runnerSocketPath = (runDir: string): string => join(runDir, 'runner.sock')
export const serverFilePath = (dataDir: string): string => join(dataDir, 'server.json')

export async function writeServerFile(dataDir: string, facts: Omit<ServerFile, 'started_at'>): Promise<void> {
  const path = serverFilePath(dataDir)
  const body: ServerFile = { ...facts, started_at: new Date().toISOString() }
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(body)}\n`, { mode: 0o600 })
  await rename(`${path}.${process.pid}`, path)
}

/** Null when there is none. That a server is behind it, only its health route proves. */
export async function readServerFile(dataDir: string): Promise<ServerFile | null> {
  try {
    return JSON.parse(await readFile(serverFilePath(dataDir), 'utf8')) as ServerFile
  } catch {
    return null
  }
}

/** Not another server's, which may have started in between. */
export async function removeServerFile(dataDir: string): Promise<void> {
  if ((await readServerFile(dataDir))?.pid === process.pid) await rm(serverFilePath(dataDir), { force: true })
}
