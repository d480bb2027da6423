/** Why there is no connection to a host. Messages are for its administrator; never a secret in one. */
import { keyChangedWords, type PinnedKey } from '../job/host.ts'

/** `config`: what is stored of the host cannot be used; no attempt at the network was made, or would help. */
export type SshFailure = 'unreachable' | 'host_key_unknown' | 'host_key_changed' | 'auth' | 'config' | 'aborted'

export class SshError extends Error {
  readonly failure: SshFailure
  /** Name of the host that it is about: it may be a jump host on the way. */
  readonly host: string
  constructor(failure: SshFailure, host: string, message: string) {
    super(message)
    this.name = 'SshError'
    this.failure = failure
    this.host = host
  }
}

/** No key of this host is pinned: an administrator has to see and confirm one. */
export class HostKeyUnknown extends SshError {
  readonly seen: PinnedKey
  constructor(host: string, seen: PinnedKey) {
    super(
      'host_key_unknown',
      host,
      `no key of host ${host} is confirmed; it shows ${seen.type} ${seen.fingerprint}: an administrator confirms it`,
    )
    this.name = 'HostKeyUnknown'
    this.seen = seen
  }
}

/** It shows another key than the pinned ones: it was installed anew, or somebody else answers at its address. */
export class HostKeyChanged extends SshError {
  readonly seen: PinnedKey
  constructor(host: string, seen: PinnedKey) {
    super('host_key_changed', host, keyChangedWords(host, seen))
    this.name = 'HostKeyChanged'
    this.seen = seen
  }
}

/** The connection takes no more sessions just now: another one may. */
export class SessionRefused extends SshError {
  constructor(host: string, why: string) {
    super('unreachable', host, `host ${host} opened no session: ${why}`)
    this.name = 'SessionRefused'
  }
}
