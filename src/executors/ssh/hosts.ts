/** All hosts of a driver: connections, the ear of each, and what is done on them with no attempt at hand. */
import type { SshTarget } from '../../job/host.ts'
import type { SshConnection } from '../../ssh/connect.ts'
import { SshPool, type PoolOptions, type Session } from '../../ssh/pool.ts'
import { Ear } from './ear.ts'

export class Hosts {
  readonly pool: SshPool
  readonly #tag: string
  readonly #ears = new WeakMap<SshConnection, Promise<Ear>>()
  /** Attempts that are nobody's leftovers; null: not known yet. */
  #known: Set<string> | null = null
  readonly #ours = new Set<string>()

  constructor(tag: string, options: PoolOptions) {
    this.#tag = tag
    this.pool = new SshPool(options)
  }

  /** The ear on the connection of a session. */
  earOf(session: Session, target: SshTarget): Promise<Ear> {
    return this.#earOn(session.connection, () => this.#open(session.connection, target))
  }

  /** Any ear of a host: connects when there is none. */
  async ear(target: SshTarget, urgent: boolean): Promise<Ear> {
    const connection = this.pool.connected(target)
    const there = connection && this.#ears.get(connection)
    if (there) return there
    const session = await this.pool.session(target, { urgent })
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
