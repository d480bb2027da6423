/**
 * One attempt on one host: begun there, followed over a session that may be cut and opened anew, until its log is complete.
 * Its end comes only by the last line of both streams; a session that ends without it says nothing.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientChannel } from 'ssh2'
import type { SshTarget } from '../../job/host.ts'
import { helperFiles } from '../../job/helper-places.ts'
import type { Usage } from '../../job/outcome.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import { HostKeyChanged, HostKeyUnknown, SessionRefused, SshError } from '../../ssh/errors.ts'
import type { Session } from '../../ssh/pool.ts'
import type { DrivenEnd, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type AttemptOrder, type ReportFound } from '../executor.ts'
import { signalOf } from '../sandbox/status.ts'
import type { Ear, Hello } from './ear.ts'
import type { Hosts } from './hosts.ts'
import { payloadOf } from './payload.ts'
import { planOf } from './plan.ts'
import { beginCommand, followCommand, jobText, type RemotePlace } from './remote.ts'
import { fetchReport, mostOf } from './report.ts'
import { forwardSocket, unforwardSocket } from './socket.ts'
import { afterGreeting, fieldsOf, SpoolReader } from './spool-reader.ts'

/** Durable, and no secret. */
export interface HostHandle {
  word: string
  dir: string
  startedAt: number
  unenforced: string[]
  /** Bytes of files that it leaves, at most; absent: none are wanted. */
  leaves?: number
}

export interface HostAttemptOf {
  hosts: Hosts
  target: SshTarget
  key: string
  tools: Pick<DriveTools, 'config' | 'signal' | 'keepForMs' | 'onExtended' | 'output'>
  /** Durable when it returns. */
  save(handle: HostHandle): void
  order: AttemptOrder | undefined
  /** False: of several, another one brings the files that are wanted. */
  leaves?: boolean
}

const renewEveryMs = 10_000
/** Its watchdog looks once a second; a lease that was sent and not answered may have arrived. */
const leaseSlackMs = 3_000
const againMs = [50, 250, 500, 1_000, 2_000, 4_000]
/** Its parent there was killed when the command is gone and no end was written for so long. */
const endingMs = 15_000
const longestLeaseMs = 31 * 24 * 3600_000

export class HostAttempt {
  readonly ended: Promise<DrivenEnd>
  readonly #of: HostAttemptOf
  readonly #end = Promise.withResolvers<DrivenEnd>()
  #handle: HostHandle | undefined
  #stdout!: SpoolReader
  #stderr!: SpoolReader
  #channel: ClientChannel | null = null
  #waits = 0
  #over = false
  /** `monotonicMs`; after it the watchdog there has certainly fired. */
  #leaseUntil = 0
  #endingSince: number | null = null
  /** It had ended when its lease was last renewed, and nothing came since. */
  #endedBefore = false
  #renewal: NodeJS.Timeout | undefined

  constructor(of: HostAttemptOf) {
    this.#of = of
    this.ended = this.#end.promise
    this.ended.catch(() => {})
  }

  get startedAt(): number {
    return this.#handle!.startedAt
  }
  get unenforced(): string[] {
    return this.#handle!.unenforced
  }

  /** Rejects with StartRefused: it never ran. */
  async start(): Promise<void> {
    const { hosts, key } = this.#of
    hosts.own(key)
    try {
      const { session, use: channel } = await this.#open((session, ear) => this.#begin(session, ear))
      this.#renewAlways()
      this.#follow(session, channel)
    } catch (error) {
      if (this.#handle) void this.clear().catch(() => {})
      else hosts.disown(key)
      throw refusalOf(error)
    }
  }

  /** Rejects with AttemptLost. */
  async attach(handle: HostHandle): Promise<void> {
    this.#of.hosts.own(this.#of.key)
    this.#remember(handle)
    this.#leaseUntil = monotonicMs() + this.#keepForMs()
    this.#renewAlways()
    void this.#resume()
    return Promise.resolve()
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    const ear = await this.#ear()
    if (!this.#over) await ear.ask('signal', this.#of.key, which)
  }

  async usage(): Promise<Usage> {
    const [cpu, peak] = (await (await this.#ear()).ask('usage', this.#of.key)).split(' ')
    return usageOf(cpu, peak)
  }

  async clear(): Promise<void> {
    const { key, hosts } = this.#of
    if (this.#handle === undefined) return
    const ear = await this.#ear()
    unforwardSocket(ear.connection, this.#socket)
    await ear.ask('clear', key)
    hosts.disown(key)
  }

  #ear(): Promise<Ear> {
    return this.#of.hosts.ear(this.#of.target, true)
  }
  get #place(): RemotePlace {
    const { word, dir } = this.#handle!
    return { tag: this.#of.tools.config.tag, key: this.#of.key, word, dir }
  }
  get #socket(): string {
    return `${this.#handle!.dir}/runyard/${helperFiles.socket}`
  }
  #keepForMs(): number {
    return Math.min(this.#of.tools.keepForMs(), longestLeaseMs)
  }

  #remember(handle: HostHandle): void {
    this.#handle = handle
    this.#stdout = new SpoolReader(handle.word, 'out')
    this.#stderr = new SpoolReader(handle.word, 'err')
  }

  /** A session and the ear beside it; another one when that connection takes no more. */
  async #open<T>(
    use: (session: Session, ear: Ear) => Promise<T>,
    urgent = false,
  ): Promise<{ session: Session; use: T }> {
    const { hosts, target, tools } = this.#of
    for (;;) {
      const session = await hosts.pool.session(target, urgent ? { urgent } : { signal: tools.signal })
      try {
        return { session, use: await use(session, await hosts.earOf(session, target)) }
      } catch (error) {
        session.release()
        if (!(error instanceof SessionRefused)) throw error
        await sleep(20)
      }
    }
  }

  async #begin(session: Session, ear: Ear): Promise<ClientChannel> {
    const { target, key, tools, save } = this.#of
    const order = this.#of.order!
    const hello = await ear.hello()
    const plan = planOf(order, target.name, hello, tools.config.tag)
    const { limits, command, env, pathTail, unenforced, leaves, output } = plan
    const dir = `${hello.root}/${key}`
    const word = randomBytes(16).toString('hex')
    this.#remember({
      word,
      dir,
      unenforced,
      startedAt: Date.now(),
      ...(leaves && this.#of.leaves !== false && { leaves: mostOf(order) }),
    })
    save(this.#handle!)
    await ear.ask('make', key, this.#lease(hello))
    const forwards = await this.#forward(session, ear)
    const notice = forwards
      ? undefined
      : `runyard: host ${target.name} forwards no sockets; helpers speak through files\n`
    if (tools.signal.aborted) throw new StartRefused('start', 'stopped before it ran')
    const job = jobText(command, env(forwards), pathTail)
    const channel = await session.exec(beginCommand(this.#place, job.length))
    this.#handle!.startedAt = Date.now()
    channel.write(job)
    // Cut off in its middle, it begins nothing: what became of it is asked then.
    void pipeline(payloadOf(order, { limits, output, ...(notice && { notice }) }), channel).catch(() => channel.close())
    return channel
  }

  async #forward(session: Session, ear: Ear): Promise<boolean> {
    const { order, key } = this.#of
    if (order?.helpersDir === undefined) return true
    await ear.ask('unsock', key)
    const here = join(order.helpersDir, helperFiles.socket)
    return forwardSocket(session.connection, this.#socket, here).then(
      () => true,
      () => false,
    )
  }

  /** What stands in the file: never later than ours, by the clock there. */
  #lease({ behind }: Hello): string {
    const until = monotonicMs() + this.#keepForMs()
    this.#leaseUntil = Math.max(this.#leaseUntil, until)
    return String(Math.floor((until - behind) / 1000))
  }

  #renewAlways(): void {
    const renew = (): void => void this.#renew().catch(() => {})
    this.#renewal = setInterval(renew, renewEveryMs)
    this.#renewal.unref()
    this.#of.tools.onExtended(renew)
  }

  async #renew(): Promise<void> {
    const { hosts, target, key } = this.#of
    const connection = hosts.pool.connected(target)
    // Without one `#resume` is at work.
    if (this.#over || !connection) return
    const ear = await this.#ear()
    const state = await this.#ask(ear, key)
    if (state !== 'ending') this.#endingSince = null
    else if (monotonicMs() - (this.#endingSince ??= monotonicMs()) > endingMs) await this.#parentIsGone(ear)
    // What shows its log there is stuck or was killed.
    if (state === 'ended' && this.#endedBefore) this.#channel?.close()
    this.#endedBefore = state === 'ended'
    if (state === 'missing') this.#lost(`its directory is gone from host ${target.name}`)
  }

  async #ask(ear: Ear, key: string): Promise<string> {
    const [state = ''] = (await ear.ask('lease', key, this.#lease(await ear.hello()))).split(' ')
    return state
  }

  async #parentIsGone(ear: Ear): Promise<void> {
    await ear.ask('signal', this.#of.key, 'KILL')
    this.#lost(`what held it on host ${this.#of.target.name} was killed: how it ended, nobody knows`)
  }

  #follow(session: Session, channel: ClientChannel): void {
    this.#channel = channel
    const { word } = this.#handle!
    const [stdout, stderr] = [afterGreeting(word), afterGreeting(word)]
    channel.on('data', (piece: Buffer) => this.#take('stdout', stdout(piece), channel))
    channel.stderr.on('data', (piece: Buffer) => this.#take('stderr', stderr(piece), channel))
    channel.on('error', () => {})
    let closed = false
    const onClose = (): void => {
      if (closed) return
      closed = true
      session.release()
      if (this.#channel !== channel) return
      this.#channel = null
      void this.#resume()
    }
    channel.on('close', onClose)
    void session.connection.closed.then(onClose)
  }

  #take(stream: 'stdout' | 'stderr', piece: Buffer, channel: ClientChannel): void {
    if (this.#channel !== channel || this.#over) return
    this.#endedBefore = false
    const bytes = (stream === 'stdout' ? this.#stdout : this.#stderr).take(piece)
    const wait = bytes.length > 0 ? this.#of.tools.output(stream, bytes) : undefined
    if (wait) void this.#hold(channel, wait)
    if (this.#stdout.line !== null && this.#stderr.line !== null) void this.#complete(this.#stdout.line)
  }

  async #hold(channel: ClientChannel, wait: Promise<void>): Promise<void> {
    this.#waits += 1
    channel.pause()
    channel.stderr.pause()
    await wait.catch(() => {})
    this.#waits -= 1
    if (this.#waits > 0) return
    channel.resume()
    channel.stderr.resume()
  }

  /** Opens a new session and goes on where the last one ended, while it may still run there. */
  async #resume(): Promise<void> {
    for (let n = 0; !this.#over; n++) {
      const opening = this.#open((session, ear) => this.#again(session, ear), true)
      const left = this.#leaseUntil + leaseSlackMs - monotonicMs()
      const opened = await Promise.race([
        opening.catch((error: unknown) => error),
        sleep(Math.max(0, left), 'late' as const, { ref: false }),
      ])
      if (opened === 'late') {
        void opening.then(({ session, use }) => (use?.close(), session.release())).catch(() => {})
        return this.#lost(
          `the connection to host ${this.#of.target.name} was cut and not restored in time; what watches it there has killed it by now`,
        )
      }
      if (opened instanceof Error) {
        if (opened instanceof HostKeyChanged || opened instanceof HostKeyUnknown) return this.#lost(opened.message)
        await sleep(Math.min(againMs[Math.min(n, againMs.length - 1)]!, Math.max(0, left)), undefined, { ref: false })
        continue
      }
      const { session, use: channel } = opened as { session: Session; use: ClientChannel | null }
      if (channel === null || this.#over) return session.release()
      return this.#follow(session, channel)
    }
  }

  /** Null: it is over. */
  async #again(session: Session, ear: Ear): Promise<ClientChannel | null> {
    const { key, target } = this.#of
    const state = await this.#ask(ear, key)
    if (state === 'missing') {
      this.#lost(`it is not on host ${target.name} any more`)
      return null
    }
    if (
      state === 'made' &&
      (await ear.ask('abandon', key).then(
        () => true,
        () => false,
      ))
    ) {
      this.#fail(new StartRefused('unreachable', `the connection to host ${target.name} was cut before it began`))
      return null
    }
    if (state === 'ending' && monotonicMs() - (this.#endingSince ??= monotonicMs()) > endingMs) {
      await this.#parentIsGone(ear)
      return null
    }
    await this.#forward(session, ear)
    return session.exec(followCommand(this.#place, this.#stdout.offset, this.#stderr.offset))
  }

  async #complete(line: string): Promise<void> {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#renewal)
    const { target, key } = this.#of
    const said = fieldsOf(line)
    const ear = await this.#ear().catch(() => null)
    // Its session is free when what shows its log there is gone.
    await ear?.ask('unfollow', key).catch(() => {})
    if (said.by === 'lease')
      return this.#fail(new AttemptLost(`host ${target.name} killed it: nothing was heard from here for too long`))
    if (said.by === 'refused') return this.#fail(await this.#refused(ear))
    const exitCode = Number(said.code)
    const signal = signalOf(exitCode)
    const report = await this.#report(said.report)
    this.#end.resolve({
      exitCode,
      signal,
      oomKilled: Number(said.ooms) > 0 && signal === 'SIGKILL',
      usage: usageOf(said.cpu, said.peak),
      remaining: Number(said.remaining),
      unenforced: this.unenforced,
      ...(report && { report }),
    })
  }

  async #refused(ear: Ear | null): Promise<StartRefused> {
    const [errorClass, ...words] = ((await ear?.ask('refused', this.#of.key).catch(() => '')) ?? '').split(' ')
    const message = `on host ${this.#of.target.name}: ${words.join(' ') || 'it could not be started'}`
    return new StartRefused(errorClass === 'start' ? 'start' : 'refused', message)
  }

  async #report(said: string | undefined): Promise<ReportFound | undefined> {
    const most = this.#handle!.leaves
    const { target, key, tools } = this.#of
    if (most === undefined || said === undefined || said === 'none') return undefined
    if (said === 'trouble')
      return { path: null, trouble: `host ${target.name} has no Perl, which reads them (install perl-base)` }
    const what = { path: join(tools.config.dir, `${key}.report`), bytes: Number(said), most }
    for (const pause of againMs) {
      try {
        const session = await this.#of.hosts.pool.session(target, { urgent: true })
        try {
          return await fetchReport(session, this.#place, what)
        } finally {
          session.release()
        }
      } catch {
        await sleep(pause)
      }
    }
    return { path: null, trouble: `the connection to host ${target.name} was cut before they were fetched` }
  }

  #lost(message: string): void {
    this.#fail(new AttemptLost(message))
  }
  #fail(error: Error): void {
    this.#over = true
    clearInterval(this.#renewal)
    this.#channel?.close()
    this.#end.reject(error)
  }
}

const usageOf = (cpu = '', peak = ''): Usage => ({
  ...(cpu === '' ? {} : { cpu_ms: Number(cpu) }),
  ...(peak === '' ? {} : { memory_peak_bytes: Number(peak) }),
})

function refusalOf(error: unknown): Error {
  if (error instanceof StartRefused) return error
  const { message } = error as Error
  if (error instanceof SshError) {
    const broken =
      error.failure === 'host_key_changed' || error.failure === 'host_key_unknown' || error.failure === 'config'
    return new StartRefused(broken ? 'refused' : 'unreachable', message)
  }
  return new StartRefused('unreachable', `its host: ${message}`)
}
