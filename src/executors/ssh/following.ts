/**
 * The log of an attempt on its host, as it grows, until it is complete: over a session that may be cut and opened anew.
 * Complete it is by the last line of both streams. What shows it there may be killed, or cut off without a word, or miss the
 * end; so the host's answers to its lease count too: of one that has ended, the rest is fetched by its exact length.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientChannel } from 'ssh2'
import { monotonicMs } from '../../lib/monotonic.ts'
import { HostKeyChanged, HostKeyUnknown } from '../../ssh/errors.ts'
import type { Session } from '../../ssh/pool.ts'
import type { DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused } from '../executor.ts'
import type { Ear } from './ear.ts'
import type { Lease, LeaseOf, ThereState } from './lease.ts'
import { followCommand, type RemotePlace } from './remote.ts'
import { afterGreeting, SpoolReader } from './spool-reader.ts'

export interface FollowingOf extends LeaseOf {
  tools: LeaseOf['tools'] & Pick<DriveTools, 'output'>
  lease: Lease
  place: RemotePlace
  /** What a new connection must have before it goes on. */
  prepare(session: Session, ear: Ear): Promise<unknown>
  /** Once: the last line, or why there will be none. */
  onLine(line: string): void
  onLost(error: Error): void
}

interface Shown {
  channel: ClientChannel
  /** Writes of ours that it waits for. */
  waits: number
  /** It shows an attempt that had ended. */
  whole: boolean
  leave(): void
}

const againMs = [50, 250, 500, 1_000, 2_000, 4_000]
/** An end that was heard of and not seen for so long is fetched. */
const unseenMs = 1_000
/** Who writes its end there is killed when none was written for so long. */
const orphanMs = 15_000
/** A log that was shown to its end so often and is not complete never will be. */
const mostTries = 4
/** sshd closes a channel when what was started on it is gone. */
const farewellMs = 5_000

export class Following {
  readonly #of: FollowingOf
  readonly #stdout: SpoolReader
  readonly #stderr: SpoolReader
  #shown: Shown | null = null
  #over = false
  #came = 0
  /** Sessions in a row that brought nothing. */
  #vain = 0
  #tries = 0
  #orphanSince: number | null = null
  #unseen: NodeJS.Timeout | undefined

  constructor(of: FollowingOf) {
    this.#of = of
    this.#stdout = new SpoolReader(of.place.word, 'out')
    this.#stderr = new SpoolReader(of.place.word, 'err')
  }

  follow(session: Session, channel: ClientChannel, whole = false): void {
    const { word } = this.#of.place
    let left = false
    let exited = false
    const shown: Shown = {
      ...{ channel, waits: 0, whole },
      leave: () => {
        if (left) return
        left = true
        session.release()
        channel.close()
      },
    }
    this.#shown = shown
    const [stdout, stderr] = [afterGreeting(word), afterGreeting(word)]
    channel.on('data', (piece: Buffer) => this.#take('stdout', stdout(piece), shown))
    channel.stderr.on('data', (piece: Buffer) => this.#take('stderr', stderr(piece), shown))
    channel.on('error', () => {})
    channel.on('exit', () => (exited = true))
    const onClose = (): void => {
      if (left) return
      shown.leave()
      if (this.#shown !== shown) return
      this.#shown = null
      // A link that is cut tells no exit.
      if (whole && exited) this.#tries += 1
      void this.resume()
    }
    channel.on('close', onClose)
    void session.connection.closed.then(onClose)
  }

  /** What its host said of it, whoever had asked. */
  heard(state: ThereState, ear: Ear): void {
    if (this.#over) return
    if (state === 'ended') this.#expectEnd(ear)
    if (state === 'missing') this.#lost(`its directory is gone from host ${this.#of.target.name}`)
    void this.#judgeOrphan(state, ear).catch(() => {})
  }

  /** Nobody waits for it any more. Resolves when its session is free. */
  async stop(): Promise<void> {
    this.#over = true
    clearTimeout(this.#unseen)
    const shown = this.#shown
    this.#shown = null
    if (!shown) return
    const gone = new Promise<void>((resolve) => shown.channel.once('close', () => resolve()))
    const { hosts, target, key } = this.#of
    await hosts
      .ear(target)
      .then((ear) => ear.ask('unfollow', key))
      .catch(() => {})
    await Promise.race([gone, sleep(farewellMs, undefined, { ref: false })])
    shown.leave()
  }

  /** Opens a new session and goes on where the last one ended, while it may still run there. */
  async resume(): Promise<void> {
    const { hosts, target, lease } = this.#of
    const { name } = target
    while (!this.#over) {
      if (this.#tries >= mostTries) return this.#lost(`its log on host ${name} is not complete`)
      if (this.#vain > 0) await sleep(againMs[Math.min(this.#vain, againMs.length) - 1]!, undefined, { ref: false })
      this.#vain += 1
      const opening = hosts.open(target, { urgent: true }, (session, ear) => this.#again(session, ear))
      const opened = await Promise.race([opening.catch((error: Error) => error), this.#leaseIsOver(opening)])
      if (opened === undefined) {
        void opening.then(({ session, use }) => (use?.channel.close(), session.release())).catch(() => {})
        return this.#lost(
          `the connection to host ${name} was cut and not restored in time; what watches it there has killed it by now`,
        )
      }
      if (opened instanceof HostKeyChanged || opened instanceof HostKeyUnknown) return this.#lost(opened.message)
      if (opened instanceof Error) {
        if (monotonicMs() < lease.overAt) continue
        return this.#lost(
          `host ${name} was not reached in time; what watches it there has killed it by now: ${opened.message}`,
        )
      }
      const { session, use } = opened
      if (use === null || this.#over) {
        use?.channel.close()
        return session.release()
      }
      return this.follow(session, use.channel, use.whole)
    }
  }

  /** Whoever renews the lease meanwhile makes it later. */
  async #leaseIsOver(unless: Promise<unknown>): Promise<undefined> {
    const settled = unless.then(
      () => true,
      () => true,
    )
    for (let done = false; !done;) {
      const left = this.#of.lease.overAt - monotonicMs()
      if (left <= 0) return undefined
      done = await Promise.race([settled, sleep(left, false, { ref: false })])
    }
    return new Promise<undefined>(() => {})
  }

  /** Null: it is over. */
  async #again(session: Session, ear: Ear): Promise<{ channel: ClientChannel; whole: boolean } | null> {
    const { key, target, lease, place, prepare } = this.#of
    const state = await lease.ask(ear)
    if (state === 'missing') this.#lost(`it is not on host ${target.name} any more`)
    if (state === 'made') {
      const ours = await ear.ask('abandon', key).catch(() => null)
      if (ours !== null)
        this.#fail(new StartRefused('unreachable', `the connection to host ${target.name} was cut before it began`))
    }
    await this.#judgeOrphan(state, ear)
    if (this.#over) return null
    await prepare(session, ear)
    const channel = await session.exec(followCommand(place, this.#stdout.offset, this.#stderr.offset))
    return { channel, whole: state === 'ended' }
  }

  async #judgeOrphan(state: ThereState, ear: Ear): Promise<void> {
    if (state !== 'orphan') this.#orphanSince = null
    else if (monotonicMs() - (this.#orphanSince ??= monotonicMs()) > orphanMs) {
      const { key, target } = this.#of
      await ear.ask('signal', key, 'KILL')
      this.#lost(`what held it on host ${target.name} was killed: how it ended, nobody knows`)
    }
  }

  /** What shows it now may bring its end yet; where nothing comes any more, it is let go. */
  #expectEnd(ear: Ear): void {
    if (this.#unseen !== undefined || this.#shown === null) return
    const { key } = this.#of
    const came = this.#came
    const look = async (): Promise<void> => {
      const shown = this.#shown
      this.#unseen = undefined
      if (this.#over || shown === null) return
      if (this.#came !== came || shown.waits > 0) return this.#expectEnd(ear)
      this.#shown = null
      // Not by its word `close`: sshd has none for a channel whose program sits there.
      await ear.ask('unfollow', key).catch(() => {})
      shown.leave()
      await this.resume()
    }
    this.#unseen = setTimeout(() => void look(), unseenMs)
  }

  #take(stream: 'stdout' | 'stderr', piece: Buffer, shown: Shown): void {
    if (this.#shown !== shown || this.#over) return
    if (piece.length > 0) {
      this.#came += 1
      this.#vain = 0
    }
    const bytes = (stream === 'stdout' ? this.#stdout : this.#stderr).take(piece)
    const wait = bytes.length > 0 ? this.#of.tools.output(stream, bytes) : undefined
    if (wait) void hold(shown, wait)
    const { line } = this.#stdout
    if (line === null || this.#stderr.line === null) return
    this.#over = true
    this.#of.onLine(line)
  }

  #lost(message: string): void {
    this.#fail(new AttemptLost(message))
  }
  #fail(error: Error): void {
    if (this.#over) return
    void this.stop()
    this.#of.onLost(error)
  }
}

async function hold(shown: Shown, wait: Promise<void>): Promise<void> {
  const { channel } = shown
  shown.waits += 1
  channel.pause()
  channel.stderr.pause()
  await wait.catch(() => {})
  shown.waits -= 1
  if (shown.waits > 0) return
  channel.resume()
  channel.stderr.resume()
}
