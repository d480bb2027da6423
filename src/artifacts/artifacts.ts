/** Artefacts wherever they are: put where this server keeps them, read where their row says. */
import type { Queryable } from '../db/pool.ts'
import type { ArtifactFile } from '../job/artifacts.ts'
import { AppError } from '../lib/app-error.ts'
import { serverOf, type ArtifactRow, type ServerSeen } from './artifact-rows.ts'
import type { ArtifactStore } from './artifact-store.ts'

export interface Artifacts {
  put(file: ArtifactFile, bytes: AsyncIterable<Uint8Array>): Promise<{ blob: string; server: string | null }>
  /** Takes back what was put and has no row. */
  drop(put: { blob: string; server: string | null }): Promise<void>
  /** `unavailable`, naming the server, when nobody who is there has it. */
  open(row: ArtifactRow): Promise<(start: number, end: number) => AsyncIterable<Buffer>>
}

/** Another server's directory, asked over the cluster's gRPC. */
export interface ArtifactPeers {
  readArtifact(peer: { name: string; address: string }, blob: string, start: number, end: number): AsyncIterable<Buffer>
}

export interface ArtifactsParts {
  db: Queryable
  /** Of this server in the database. */
  server: string
  local: ArtifactStore
  shared: ArtifactStore | null
  /** Null while this server has no certificate to show to the others. */
  peers(): ArtifactPeers | null
}

/** As for logs: one that was not heard of for so long is away. */
const awayAfterSeconds = 20

export function createArtifacts({ db, server, local, shared, peers }: ArtifactsParts): Artifacts {
  const storeOf = (place: string | null): ArtifactStore | null =>
    place === null ? shared : place === server ? local : null
  return {
    async put(file, bytes) {
      const store = shared ?? local
      return { blob: await store.put(file, bytes), server: shared ? null : server }
    },
    drop: async (put) => storeOf(put.server)?.remove(put.blob),
    async open(row) {
      const store = storeOf(row.server)
      if (store) return (start, end) => store.read(row.blob, start, end)
      if (row.server === null) {
        throw away(row, 'is in a shared store, and this server has none: set RUNYARD_LOG_STORE as on the other servers')
      }
      const seen = await serverOf(db, row.server)
      const { name, address } = there(row, seen)
      const others = peers()
      if (others === null) {
        throw away(
          row,
          `is on server ${name}, and this server has no certificate to ask it with: run "runyard certs init"`,
        )
      }
      return (start, end) => others.readArtifact({ name, address }, row.blob, start, end)
    },
  }
}

function there(row: ArtifactRow, seen: ServerSeen | null): { name: string; address: string } {
  if (seen === null) throw away(row, `was on a server that is long gone (number ${row.server})`)
  const { name, address, silentSeconds } = seen
  if (silentSeconds > awayAfterSeconds) {
    throw away(
      row,
      `is on server ${name}, which was last heard of ${Math.round(silentSeconds)} s ago: it can be read when that server is back (with RUNYARD_LOG_STORE, artefacts do not depend on one server)`,
    )
  }
  if (address === null) throw away(row, `is on server ${name}, whose gRPC listener is not open`)
  return { name, address }
}

const away = (row: ArtifactRow, why: string): AppError =>
  new AppError('unavailable', `the artefact ${row.name} ${why}`, { retryAfterSeconds: 10 })
