/**
 * The artefacts of an ended attempt → the server, before its finish. What was sent before a link or a runner died is
 * asked for first, so only the rest goes again; nothing is given up but what the server definitely refuses.
 */
import { emitFact } from '../lib/facts.ts'
import { isAppError } from '../lib/app-error.ts'
import { linkBackoff, untilAnswered, type Backoff } from './backoff.ts'
import type { AttemptRef, ControlPlane } from './control-plane.ts'
import { bytesOfArtifact, type FoundArtifact } from './found-artifacts.ts'

export interface SendArtifacts {
  ref: AttemptRef
  /** Of the file that holds them. */
  path: string
  artifacts: readonly FoundArtifact[]
}

/** Why some were left out, in words for the user; null: the attempt is not ours any more. */
export type SentArtifacts = string[] | null

export type ArtifactSender = (what: SendArtifacts) => Promise<SentArtifacts>

/** Rejects when `signal` fires. Files of several attempts go side by side, those of one in turn. */
export function createArtifactSender(
  server: Pick<ControlPlane, 'offerArtifacts' | 'putArtifact'>,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void = () => {},
  backoff: Backoff = linkBackoff,
): ArtifactSender {
  const once = async ({ ref, path, artifacts }: SendArtifacts): Promise<SentArtifacts> => {
    const files = artifacts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }))
    const offered = await server.offerArtifacts(ref, files)
    if (offered.stale) return null
    const notes = offered.refused.map(({ place, reason }) => `artefact ${files[place]?.name} was left out: ${reason}`)
    for (const place of offered.wanted) {
      const [file, found] = [files[place], artifacts[place]]
      if (!file || !found) continue
      const result = await server.putArtifact(ref, file, () => bytesOfArtifact(path, found), signal)
      if (result === 'stale') return null
      emitFact({ name: 'artifact.sent', level: 'debug', attempt: ref.number, bytes: file.bytes })
    }
    return notes
  }
  return async (what) => {
    if (what.artifacts.length === 0) return []
    try {
      return await untilAnswered(() => once(what), signal, backoff, onTrouble)
    } catch (error) {
      if (signal.aborted || !isAppError(error)) throw error
      return [`its artefacts were not taken: ${error.message}`]
    }
  }
}
