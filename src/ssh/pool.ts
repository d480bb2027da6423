/**
 * Connections to hosts, shared by all that is done there. Each bears some sessions: sshd allows ten at once
 * (MaxSessions) unless it was told otherwise, which shows when it refuses one.
 */
import { createHash } from 'node:crypto'
import type { ClientChannel } from 'ssh2'
import type { PinnedKey, SshTarget } from '../job/host.ts'
import { Breaker, usualBreaker, type BreakerRules, type BreakerState } from './breaker.ts'
import { connectTo, type SshConnection } from './connect.ts'
import { HostKeyChanged, HostKeyUnknown, SessionRefused, SshError } from './errors.ts'
import { execOn } from './exec.ts'

export interface PoolOptions {
  agent?: string
  breaker?: BreakerRules
  /** A connection without sessions stays for so long. */
  idleMs?: number
}

/** One of the sessions of a connection; whoever has it releases it. */
export interface Session {
  readonly connection: SshConnection
  /** Rejects with an SshError. */
  exec(command: string): Promise<ClientChannel>
  release(): void
}

/** For people, as it is shown. */
export interface HostState {
  name: string
  address: string
  breaker: BreakerState
  failures: number
  /** ISO 8601. */
  retry_at?: string
  connections: number
  sessions: number
  last_error?: string
  /** It showed this instead of a confirmed key. */
  key_alarm?: PinnedKey & { at: string }
}

/** One of sshd's ten is kept for words about what runs in the others. */
const usualSessions = 9
/** New connections are made while those that are there have at least so many sessions. */
const busy = 3

interface Open {
  connection: SshConnection
  sessions: number
  most: number
  idle?: NodeJS.Timeout
}

interface Waiting {
  resolve(session: Session): void
  reject(error: Error): void
}

interface Host {
  target: SshTarget
  breaker: Breaker
  open: Open[]
  opening: number
  waiting: Waiting[]
  lastError?: string
  keyAlarm?: PinnedKey & { at: string }
}

/** Credentials and keys among it: changed, they make new connections. */
const identityOf = ({ address, port, user, keys, auth, jump }: SshTarget): string =>
  createHash('sha256')
    .update(JSON.stringify([address, port, user, keys, auth, jump]))
    .digest('base64')

export class SshPool {
  readonly #options: PoolOptions
  readonly #hosts = new Map<string, Host>()
  readonly #giveUp = new AbortController()

  constructor(options: PoolOptions = {}) {
    this.#options = options
  }

  /**
   * Waits while all sessions are taken. Rejects with an SshError; at once when the host is left alone. `urgent`: for what
   * runs there already, that is tried nevertheless, and nobody is let in before it.
   */
  session(
    target: SshTarget,
    { signal, urgent = false }: { signal?: AbortSignal; urgent?: boolean } = {},
  ): Promise<Session> {
    const host = this.#hostOf(target)
    const { name } = target
    if (!urgent && !host.breaker.lets && host.open.length === 0) return Promise.reject(this.#letAlone(host))
    if (signal?.aborted) return Promise.reject(new SshError('aborted', name, `connecting to host ${name} was given up`))
    const { promise, resolve, reject } = Promise.withResolvers<Session>()
    const forget = (): void => {
      host.waiting = host.waiting.filter((one) => one !== waiting)
      signal?.removeEventListener('abort', abort)
    }
    const abort = (): void => {
      forget()
      reject(new SshError('aborted', name, `connecting to host ${name} was given up`))
    }
    const waiting: Waiting = {
      resolve(session) {
        forget()
        resolve(session)
      },
      reject(error) {
        forget()
        reject(error)
      },
    }
    signal?.addEventListener('abort', abort, { once: true })
    if (urgent) host.waiting.unshift(waiting)
    else host.waiting.push(waiting)
    this.#serve(host, urgent)
    return promise
  }

  /** A connection that is there, for a word on a session that it has already. */
  connected(target: SshTarget): SshConnection | undefined {
    return this.#hosts.get(identityOf(target))?.open[0]?.connection
  }

  state(): HostState[] {
    return [...this.#hosts.values()].map(({ target, breaker, open, lastError, keyAlarm }) => ({
      name: target.name,
      address: `${target.address}:${target.port}`,
      breaker: breaker.state,
      failures: breaker.failures,
      ...(breaker.state === 'open' ? { retry_at: new Date(Date.now() + breaker.waitMs).toISOString() } : {}),
      connections: open.length,
      sessions: open.reduce((sum, { sessions }) => sum + sessions, 0),
      ...(lastError === undefined ? {} : { last_error: lastError }),
      ...(keyAlarm === undefined ? {} : { key_alarm: keyAlarm }),
    }))
  }

  /** Those that nobody uses. */
  cool(): void {
    for (const host of this.#hosts.values())
      for (const open of host.open) if (open.sessions === 0) open.connection.close()
  }

  close(): void {
    this.#giveUp.abort()
    for (const host of this.#hosts.values()) for (const { connection } of host.open) connection.close()
  }

  #hostOf(target: SshTarget): Host {
    const id = identityOf(target)
    const known = this.#hosts.get(id)
    if (known) {
      known.target = target
      return known
    }
    // Of another key or other credentials: its breaker says nothing about these.
    for (const [old, { target: was, open, opening, waiting }] of this.#hosts)
      if (was.name === target.name && open.length + opening + waiting.length === 0) this.#hosts.delete(old)
    const host: Host = {
      target,
      breaker: new Breaker(this.#options.breaker ?? usualBreaker),
      open: [],
      opening: 0,
      waiting: [],
    }
    this.#hosts.set(id, host)
    return host
  }

  #letAlone({ target: { name }, breaker, lastError }: Host): SshError {
    const seconds = Math.ceil(breaker.waitMs / 1000)
    const why = lastError === undefined ? '' : ` (${lastError})`
    return new SshError(
      'unreachable',
      name,
      `host ${name} is left alone for ${seconds} s more after ${breaker.failures} failures in a row${why}`,
    )
  }

  #serve(host: Host, urgent = false): void {
    while (host.waiting.length > 0) {
      const best = host.open.filter((one) => one.sessions < one.most).toSorted((a, b) => a.sessions - b.sessions)[0]
      if (!best) break
      host.waiting[0]!.resolve(this.#sessionOf(host, best))
    }
    const { open, opening, target } = host
    const least = Math.min(Infinity, ...open.map(({ sessions }) => sessions))
    const wanted =
      host.waiting.length > 0 ? Math.ceil(host.waiting.length / busy) : least >= busy && open.length > 0 ? 1 : 0
    for (let n = opening; n < wanted && open.length + host.opening < target.connections; n++) {
      if (!host.breaker.mayTry() && !(urgent && host.opening === 0)) break
      void this.#connect(host)
    }
    if (host.waiting.length > 0 && host.open.length + host.opening === 0) this.#refuse(host, this.#letAlone(host))
  }

  #refuse(host: Host, error: Error): void {
    for (const one of host.waiting.splice(0)) one.reject(error)
  }

  async #connect(host: Host): Promise<void> {
    host.opening += 1
    const { agent } = this.#options
    try {
      const connection = await connectTo(host.target, { ...(agent && { agent }), signal: this.#giveUp.signal })
      const open: Open = { connection, sessions: 0, most: usualSessions }
      host.open.push(open)
      void connection.closed.then((why) => {
        clearTimeout(open.idle)
        host.open = host.open.filter((one) => one !== open)
        if (why !== null) host.lastError = why.message
        this.#serve(host)
      })
      host.breaker.succeeded()
      delete host.lastError
      delete host.keyAlarm
      host.opening -= 1
      this.#idle(open)
      this.#serve(host)
    } catch (error) {
      host.opening -= 1
      this.#failed(host, error as SshError)
    }
  }

  #failed(host: Host, error: SshError): void {
    if (error.failure === 'aborted') host.breaker.gaveUp()
    else host.breaker.failed()
    host.lastError = error.message
    if (error instanceof HostKeyChanged || error instanceof HostKeyUnknown)
      host.keyAlarm = { ...error.seen, at: new Date().toISOString() }
    // Others may still get through, and whoever waits is served by them.
    if (host.open.length + host.opening === 0) this.#refuse(host, error)
  }

  #sessionOf(host: Host, open: Open): Session {
    open.sessions += 1
    clearTimeout(open.idle)
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      open.sessions -= 1
      this.#idle(open)
      this.#serve(host)
    }
    const exec = async (command: string): Promise<ClientChannel> => {
      try {
        return await execOn(open.connection, host.target.name, command)
      } catch (error) {
        // It says so when it has as many as it wants; what is there shows how many that is.
        if (error instanceof SessionRefused) open.most = Math.max(1, Math.min(open.most, open.sessions) - 1)
        throw error
      }
    }
    return { connection: open.connection, exec, release }
  }

  #idle(open: Open): void {
    if (open.sessions > 0) return
    open.idle = setTimeout(() => open.connection.close(), this.#options.idleMs ?? 60_000)
    open.idle.unref()
  }
}
