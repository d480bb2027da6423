/** What other jobs left (`artifacts_from`) → a directory of this host that the job may read, before it starts. */
import { createHash } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartRefused } from '../executors/executor.ts'
import { artifactName } from '../job/artifacts.ts'
import { isAppError } from '../lib/app-error.ts'
import type { Attempt } from './attempt.ts'
import { untilAnswered } from './backoff.ts'
import type { ControlPlane, ListedArtifact } from './control-plane.ts'
import { makeShownDir } from './shown-dirs.ts'

type Server = Pick<ControlPlane, 'listArtifacts' | 'getArtifact'>

/** Throws StartRefused; stops in the middle when the attempt is to stop. */
export async function fetchArtifacts(
  attempt: Attempt,
  dir: string,
  server: Server,
  signal: AbortSignal,
): Promise<void> {
  const { ref } = attempt.note
  try {
    const listed = await untilAnswered(() => server.listArtifacts(ref), signal)
    if (listed === null) throw new StartRefused('infrastructure', 'its lease was given away')
    await makeShownDir(dir)
    for (const one of listed) {
      await untilAnswered(() => {
        if (attempt.stopReason !== undefined || attempt.stale) {
          throw new StartRefused('infrastructure', 'it was stopped before it began')
        }
        return fetchOne(dir, one, server.getArtifact(ref, one.id, signal))
      }, signal)
    }
  } catch (error) {
    if (error instanceof StartRefused || signal.aborted) throw error
    const refused = isAppError(error) && error.code === 'failed_precondition'
    const words = isAppError(error) ? error.message : `its artefacts cannot be fetched: ${String(error)}`
    throw new StartRefused(refused ? 'start' : 'infrastructure', words)
  }
}

/** Where two jobs of one directory left the same name, the later one in the list wins. */
async function fetchOne(dir: string, one: ListedArtifact, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const name = artifactName(one.name)
  const directory = artifactName(one.directory)
  if (name === null || directory === null || directory.includes('/')) {
    throw new StartRefused('infrastructure', `the artefact ${one.name} has a name that cannot be used`)
  }
  const path = join(dir, directory, name)
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o444)
  try {
    const sum = createHash('sha256')
    for await (const piece of bytes) {
      sum.update(piece)
      await file.writeFile(piece)
    }
    if (sum.digest('hex') !== one.sha256) {
      throw new StartRefused('infrastructure', `the artefact ${one.name} of ${one.directory} came damaged`)
    }
    await file.chmod(0o444)
  } finally {
    await file.close()
  }
}
