/** What a job left: the list, and the bytes of one. */
import { artifactNamed, artifactsOf } from '../artifacts/artifact-rows.ts'
import { known, notFound, type Ask, type Deps } from './deps.ts'
import { jobOf } from './find-jobs.ts'

export interface OpenArtifact {
  name: string
  bytes: number
  sha256: string
  attempt: number
  read(start: number, end: number): AsyncIterable<Buffer>
}

async function keyOf(deps: Deps, anyAsk: Ask, id: string): Promise<string> {
  return (await jobOf(deps.db, known(anyAsk), id)).jobKey
}

/** Of all attempts; what one left that had another after it is there too. */
export async function listArtifacts(deps: Deps, ask: Ask, { id, attempt }: { id: string; attempt?: number }) {
  const rows = await artifactsOf(deps.db, await keyOf(deps, ask, id), attempt)
  return { artifacts: rows.map(({ name, bytes, sha256, attempt: of }) => ({ name, bytes, sha256, attempt: of })) }
}

export async function openArtifact(
  deps: Deps,
  ask: Ask,
  { id, name, attempt }: { id: string; name: string; attempt?: number },
): Promise<OpenArtifact> {
  const row = await artifactNamed(deps.db, await keyOf(deps, ask, id), name, attempt)
  if (row === null) throw notFound('artefact')
  return { ...row, read: await deps.artifacts.open(row) }
}
