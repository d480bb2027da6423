/** What a host proves itself by. The blob of a key begins with its type; its fingerprint is what `ssh-keygen -l` prints. */
import { createHash } from 'node:crypto'
import { hostKeyType, type PinnedKey } from '../job/host.ts'

export function keyOf(blob: Buffer): PinnedKey {
  return {
    type: typeOf(blob),
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
  }
}

function typeOf(blob: Buffer): string {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0)
  const type = blob.toString('latin1', 4, 4 + Math.min(length, 64))
  return /^[\w.@-]+$/.test(type) ? type : 'unknown'
}

type KeyType = (typeof hostKeyType)[number]

/** By which signatures a key of this type is accepted; those with SHA-1 are not. */
export const signaturesOf = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
} as const satisfies Record<KeyType, readonly string[]>

export type Signature = (typeof signaturesOf)[KeyType][number]

/** The pinned types first, so that a host with several keys shows one of those. */
export function signaturesFor(pinned: readonly PinnedKey[]): Signature[] {
  const isPinned = (type: KeyType): boolean => pinned.some((key) => key.type === type)
  return [...hostKeyType.filter(isPinned), ...hostKeyType.filter((type) => !isPinned(type))].flatMap((type) => [
    ...signaturesOf[type],
  ])
}

export const sameKey = (a: PinnedKey, b: PinnedKey): boolean => a.type === b.type && a.fingerprint === b.fingerprint
