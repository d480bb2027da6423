/** One attempt on one host: begun there, followed until its log is complete, cleared away. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ClientChannel } from 'ssh2'
import type { SshTarget } from '../../job/host.ts'
import { helperFiles } from '../../job/helper-places.ts'
import type { Usage } from '../../job/outcome.ts'
import { SshError } from '../../ssh/errors.ts'
import type { Session } from '../../ssh/pool.ts'
import type { DrivenEnd, DriveTools } from '../driver/driver.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'
import type { Ear } from './ear.ts'
import { endOf, usageOf } from './end-of.ts'
import { Following } from './following.ts'
import type { Hosts } from './hosts.ts'
import { Lease, type ThereState } from './lease.ts'
import { payloadOf } from './payload.ts'
import { planOf } from './plan.ts'
import { beginCommand, jobText, type RemotePlace } from './remote.ts'
import { mostOf } from './report.ts'
import { forwardSocket, unforwardSocket } from './socket.ts'

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

export class HostAttempt {
  readonly ended: Promise<DrivenEnd>
  readonly #of: HostAttemptOf
  readonly #end = Promise.withResolvers<DrivenEnd>()
  readonly #lease: Lease
  #handle: HostHandle | undefined
  #following!: Following
  #over = false

  constructor(of: HostAttemptOf) {
    this.#of = of
    this.#lease = new Lease(of)
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
    const { hosts, key, target, tools } = this.#of
    hosts.own(key)
    try {
      const { session, use: channel } = await hosts.open(target, tools, (session, ear) => this.#begin(session, ear))
      this.#lease.renewAlways((state, ear) => this.#following.heard(state, ear))
      this.#following.follow(session, channel)
    } catch (error) {
      if (this.#handle) void this.clear().catch(() => {})
      else hosts.disown(key)
      throw refusalOf(error)
    }
  }

  /** What becomes of it is told by its end. */
  attach(handle: HostHandle): void {
    this.#of.hosts.own(this.#of.key)
    this.#remember(handle)
    this.#lease.suppose()
    this.#lease.renewAlways((state, ear) => this.#following.heard(state, ear))
    void this.#following.resume()
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    const ear = await this.#ear()
    if (this.#over) return
    const [, state] = (await ear.ask('signal', this.#of.key, which)).split(' ')
    if (state !== undefined) this.#following.heard(state as ThereState, ear)
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
    return this.#of.hosts.ear(this.#of.target)
  }
  get #place(): RemotePlace {
    const { word, dir } = this.#handle!
    return { tag: this.#of.tools.config.tag, key: this.#of.key, word, dir }
  }
  get #socket(): string {
    return `${this.#handle!.dir}/runyard/${helperFiles.socket}`
  }

  #remember(handle: HostHandle): void {
    this.#handle = handle
    this.#following = new Following({
      ...this.#of,
      lease: this.#lease,
      place: this.#place,
      prepare: (session, ear) => this.#forward(session, ear),
      onLine: (line) => this.#complete(line),
      onLost: (error) => {
        this.#finish()
        this.#end.reject(error)
      },
    })
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
    await ear.ask('make', key, this.#lease.text(hello))
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

  #complete(line: string): void {
    this.#finish()
    const { hosts, target, tools } = this.#of
    const { unenforced, leaves } = this.#handle!
    const facts = { hosts, target, config: tools.config, place: this.#place, unenforced }
    this.#end.resolve(endOf(line, { ...facts, ...(leaves !== undefined && { leaves }) }))
  }

  #finish(): void {
    this.#over = true
    this.#lease.stop()
    void this.#following.stop()
  }
}

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
