/** The bytes of what a run of an event was given, and of what it gave. */
import { artifactById } from '../artifacts/artifact-rows.ts'
import { runMore } from '../events/find-event-runs.ts'
import type { Payload } from '../events/payload.ts'
import { known, notFound, type Ask, type Deps } from './deps.ts'
import { eventRunOf } from './event-runs.ts'
import { inputOf, outputOf } from './show-event.ts'

export interface OpenPayload {
  /** Content type, as whoever gave it said: not to be believed by a browser. */
  type: string
  bytes: number
  read(start: number, end: number): AsyncIterable<Buffer> | Iterable<Buffer>
}

export async function openEventPayload(
  deps: Deps,
  anyAsk: Ask,
  { id, which }: { id: string; which: 'input' | 'output' },
): Promise<OpenPayload> {
  const row = await eventRunOf(deps.db, known(anyAsk), id)
  const more = await runMore(deps.db, row.key)
  const payload = which === 'input' ? inputOf(more) : outputOf(more.output)
  if (payload === null) throw notFound(`${which} of this run`)
  return open(deps, payload, which)
}

async function open(deps: Deps, payload: Payload, which: string): Promise<OpenPayload> {
  const { type } = payload
  if ('bytes' in payload) {
    const { bytes } = payload
    return { type, bytes: bytes.length, read: (start, end) => [bytes.subarray(start, end)] }
  }
  const artifact = await artifactById(deps.db, payload.artifact)
  if (artifact === null) throw notFound(`${which} of this run: its file was removed with the job that left it`)
  return { type, bytes: artifact.bytes, read: await deps.artifacts.open(artifact) }
}
