/** Artefacts, put together: this server's directory, the shared store, and the way to those of other servers. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createArtifactStore } from '../artifacts/artifact-store.ts'
import { createArtifacts, type ArtifactPeers, type Artifacts } from '../artifacts/artifacts.ts'
import { artifactRemover, strayRemover } from '../artifacts/sweep.ts'
import type { Db } from '../db/pool.ts'
import { startService, type RunningService } from '../lib/service.ts'
import { createDirectoryBlobStore } from '../logs/blobs/directory-blob-store.ts'
import { openBlobStore } from '../logs/blobs/open-blob-store.ts'
import { reportFailure } from './upkeep.ts'

export interface OpenArtifacts {
  artifacts: Artifacts
  /** What this server shows to the others. */
  read(blob: string, offset: number, limit: number): Promise<Buffer>
  /** From now on other servers can be asked. */
  reachable(peers: ArtifactPeers): void
  start(): void
  stop(): Promise<void>
}

export interface ArtifactsOptions {
  db: Db
  dataDir: string
  /** Of this server in the database. */
  server: string
  /** `RUNYARD_LOG_STORE` */
  logStore?: string
}

export async function openArtifacts({ db, dataDir, server, logStore }: ArtifactsOptions): Promise<OpenArtifacts> {
  const root = join(dataDir, 'blobs')
  await mkdir(root, { recursive: true, mode: 0o700 })
  const local = createArtifactStore(createDirectoryBlobStore(root))
  const shared = logStore === undefined ? null : createArtifactStore(await openBlobStore(logStore))
  let others: ArtifactPeers | null = null
  let running: RunningService[] = []
  const parts = { db, server, local, shared }
  return {
    artifacts: createArtifacts({ ...parts, peers: () => others }),
    async read(blob, offset, limit) {
      for await (const piece of local.read(blob, offset, offset + limit)) return piece
      return Buffer.alloc(0)
    },
    reachable: (peers) => (others = peers),
    start() {
      running = [artifactRemover(parts), strayRemover(parts)].map((one) => startService(one, reportFailure))
    },
    stop: async () => void (await Promise.all(running.map((one) => one.stop()))),
  }
}
