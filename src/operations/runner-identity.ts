/**
 * Who speaks on the runner port. A certificate speaks for the one name that it is for, the socket for the runners of
 * this machine; a stolen runner's certificate must not reach what another runner holds.
 */
import type { Machine } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { runnerOwner } from '../queue/runners.ts'
import type { FromRunner } from '../queue/types.ts'
import { noteRefused } from './audited.ts'
import type { Ask, Deps } from './deps.ts'

export type RunnerPeer =
  | { kind: 'local' }
  /** `id` and `name` are the certificate's. */
  | { kind: 'certificate'; id: string; name: string; address?: string }

export interface Speaker extends FromRunner {
  peer: RunnerPeer
}

interface Owner {
  name: string
  certified: boolean
}

export type RunnerIdentities = ReturnType<typeof createRunnerIdentities>

/** More runners than this are refused with a row each time. */
const mostRefusals = 10_000

export function createRunnerIdentities(deps: Deps) {
  /** By runner id. An id never gets another name, so one answer holds for good. */
  const owners = new Map<string, Owner>()
  const refusals = new Map<string, AppError>()

  const ownerOf = async (runnerId: string): Promise<Owner | null> => {
    const owner = await runnerOwner(deps.db, runnerId)
    if (owner !== null) owners.set(runnerId, owner)
    return owner
  }

  const refuse = async (peer: RunnerPeer, what: string, words: string): Promise<AppError> => {
    const key = `${nameOf(peer)} ${what}`
    // The same error again has its row already: nobody fills the audit log by asking on.
    const before = refusals.get(key)
    if (before !== undefined) return before
    const error = new AppError('permission_denied', words)
    emitFact({ name: 'runner.refused', level: 'warn', runner: nameOf(peer), what, reason: words })
    await noteRefused(deps, askOf(peer), { action: 'runner.refused' }, error)
    if (refusals.size < mostRefusals) refusals.set(key, error)
    return error
  }

  return {
    /** For `register`: the name must be the certificate's. */
    async mayBeCalled(peer: RunnerPeer, name: string): Promise<void> {
      if (peer.kind === 'local' || peer.name === name) return
      throw await refuse(
        peer,
        `register ${name}`,
        `this certificate is for the runner ${peer.name}, not for ${name}: leave the name away, or enrol again`,
      )
    },

    learn(runnerId: string, owner: Owner): void {
      owners.set(runnerId, owner)
    },

    /** For every later message: the id must be the one that belongs to the sender's name. */
    async check(speaker: Speaker, message: string): Promise<void> {
      const { peer, runnerId } = speaker
      const owner = owners.get(runnerId) ?? (await ownerOf(runnerId))
      // Nobody's id: whatever is asked of it finds nothing.
      if (owner === null) return
      if (peer.kind === 'local' ? !owner.certified : owner.name === peer.name) return
      const whose = peer.kind === 'local' ? 'a runner with a certificate' : 'another runner'
      throw await refuse(peer, `${message} as ${runnerId}`, `runner_id ${runnerId} is of ${whose}`)
    },

    /** For the audit log. */
    ask: ({ peer, runnerId }: Speaker): Ask & { principal: Machine } => askOf(peer, owners.get(runnerId)?.name),
  }
}

const nameOf = (peer: RunnerPeer): string => (peer.kind === 'local' ? 'local' : peer.name)

function askOf(peer: RunnerPeer, username = nameOf(peer)): Ask & { principal: Machine } {
  const principal: Machine = { kind: 'runner', userId: null, username, role: null }
  if (peer.kind === 'local') return { principal }
  return { principal: { ...principal, certificateId: peer.id }, ...(peer.address ? { address: peer.address } : {}) }
}
