/** All hosts of a driver: connections, the ear of each, and what is done on them with no attempt at hand. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SshTarget } from '../../job/host.ts'
import type { SshConnection } from '../../ssh/connect.ts'
import { SessionRefused } from '../../ssh/errors.ts'
import { SshPool, type PoolOptions, type Session } from '../../ssh/pool.ts'
import { Ear } from './ear.ts'

export interface HostsOptions extends PoolOptions {
  /** For tests, which need not wait for a busy host. */
  leaseSlackMs?: number
}

/** It looks once a second, and kills for three at most; a lease that was sent and not answered may have arrived. */
const usualSlackMs = 5_000

export class Hosts {
  readonly pool: SshPool
  readonly #tag: string
  readonly #ears = new WeakMap<SshConnection, Promise<Ear>>()
  /** Attempts that are nobody's leftovers; null: not known yet. */
  #known: Set<string> | null = null
  readonly #ours = new Set<string>()

  /** How long after a lease what watches it there has certainly fired, ms. */
  readonly leaseSlackMs: number

  constructor(tag: string, { leaseSlackMs = usualSlackMs, ...options }: HostsOptions) {
    this.leaseSlackMs = leaseSlackMs
    this.#tag = tag
    this.pool = new SshPool(options)
  }

  /** The ear on the connection of a session. */
  earOf(session: Session, target: SshTarget): Promise<Ear> {
    return this.#earOn(session.connection, () => this.#open(session.connection, target))
  }

  /** A session and the ear beside it; another one when that connection takes no more. */
  async open<T>(
    target: SshTarget,
    how: { urgent: true } | { signal: AbortSignal },
    use: (session: Session, ear: Ear) => Promise<T>,
  ): Promise<{ session: Session; use: T }> {
    for (;;) {
      const session = await this.pool.session(target, how)
      try {
        return { session, use: await use(session, await this.earOf(session, target)) }
      } catch (error) {
        session.release()
        if (!(error instanceof SessionRefused)) throw error
        await sleep(20)
      }
    }
  }

  /** Any ear of a host, for what runs there: connects when there is none. */
  async ear(target: SshTarget): Promise<Ear> {
    const connection = this.pool.connected(target)
    // Its session is the one that no job gets, so nobody is waited for.
    if (connection) return this.#earOn(connection, () => this.#open(connection, target))
    const session = await this.pool.session(target, { urgent: true })
    try {
      return await this.earOf(session, target)
    } finally {
      session.release()
    }
  }

  own(key: string): void {
    this.#ours.add(key)
  }
  disown(key: string): void {
    this.#ours.delete(key)
  }

  /** From here on what is on a host and none of these is cleared away when we connect to it. */
  know(known: ReadonlySet<string>): void {
    this.#known = new Set(known)
  }

  #earOn(connection: SshConnection, open: () => Promise<Ear>): Promise<Ear> {
    const there = this.#ears.get(connection)
    if (there) return there
    const opening = open().catch((error: Error) => {
      this.#ears.delete(connection)
      throw error
    })
    this.#ears.set(connection, opening)
    opening.then(
      (ear) => void ear.closed.then(() => this.#ears.delete(connection)),
      () => {},
    )
    return opening
  }

  async #open(connection: SshConnection, target: SshTarget): Promise<Ear> {
    const ear = await Ear.open(connection, target.name, this.#tag)
    await ear.hello()
    void this.#sweep(ear).catch(() => {})
    return ear
  }

  async #sweep(ear: Ear): Promise<void> {
    const known = this.#known
    if (known === null) return
    const keys = (await ear.ask('list', '-')).split(' ')
    for (const key of keys) {
      if (!keyPattern.test(key) || known.has(key) || this.#ours.has(key)) continue
      await ear.ask('clear', key)
    }
  }
}

/** Of an attempt: a name that is nothing else in a path or on a line. */
export const keyPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,100}$/
