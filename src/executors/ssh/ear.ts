/** On each connection one session that asks: a line there, a line back. So a signal or a lease needs no session of its own. */
import type { ClientChannel } from 'ssh2'
import type { SshConnection } from '../../ssh/connect.ts'
import { execOn } from '../../ssh/exec.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import { earCommand, remoteScript } from './remote.ts'

export interface Hello {
  /** Where attempts of ours are, there. */
  root: string
  uid: string
  /** Who holds limits. */
  holder: 'none' | 'cgroup' | 'systemd' | 'systemd-user'
  held: string[]
  /** Where a cgroup of each controller may be made, '' where none: cpu, memory, pids, cpuacct. */
  cgroups: string[]
  /** Hard limit of open files; Infinity. */
  files: number
  tools: string[]
  /** Its clock is at least so far behind `monotonicMs` of here, ms: what is due there is never due too late. */
  behind: number
}

/** One that is alive answers in this time; after that the link counts as cut. */
const patienceMs = 10_000
/** Killing a tree may take. */
const longPatienceMs = 30_000
const long = new Set(['signal', 'clear'])

export class Ear {
  readonly connection: SshConnection
  readonly #channel: ClientChannel
  readonly #asked = new Map<
    string,
    { resolve(answer: string): void; reject(error: Error): void; timer: NodeJS.Timeout }
  >()
  readonly #closed = Promise.withResolvers<void>()
  readonly #hello = Promise.withResolvers<Hello>()
  #last = 0
  #text = ''
  #over: Error | null = null

  private constructor(channel: ClientChannel, connection: SshConnection) {
    this.connection = connection
    this.#channel = channel
    channel.on('data', (piece: Buffer) => this.#hear(piece))
    channel.stderr.resume()
    const over = (): void => this.#end(new Error('the connection was cut'))
    channel.on('close', over)
    channel.on('error', () => {})
    void connection.closed.then(over)
    channel.write(remoteScript())
    setTimeout(() => this.#hello.reject(new Error('it did not say hello')), longPatienceMs).unref()
    this.#hello.promise.catch(() => {})
  }

  static async open(connection: SshConnection, host: string, tag: string): Promise<Ear> {
    const command = earCommand(tag, Buffer.byteLength(remoteScript()))
    return new Ear(await execOn(connection, host, command), connection)
  }

  /** Resolves when it hears no more. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }
  get alive(): boolean {
    return this.#over === null
  }
  hello(): Promise<Hello> {
    return this.#hello.promise
  }

  /** What follows `ok`. Rejects when it says anything else, or nothing. */
  ask(what: string, key: string, argument = ''): Promise<string> {
    if (this.#over) return Promise.reject(this.#over)
    const id = String(++this.#last)
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#asked.delete(id)
        reject(new Error('it did not answer'))
        if (!long.has(what)) this.connection.close()
      }
      const timer = setTimeout(late, long.has(what) ? longPatienceMs : patienceMs)
      timer.unref()
      this.#asked.set(id, { resolve, reject, timer })
      this.#channel.write(`${id} ${what} ${key} ${argument}\n`)
    })
  }

  close(): void {
    this.#channel.end()
  }

  #hear(piece: Buffer): void {
    const lines = (this.#text + piece.toString('latin1')).split('\n')
    this.#text = lines.pop()!.slice(0, 1_000_000)
    for (const line of lines) {
      const [id = '', verdict, ...rest] = line.split(' ')
      if (id === 'hello') {
        if (verdict === 'failed')
          this.#hello.reject(new Error('there is no directory there that only its user can enter'))
        else this.#hello.resolve(helloOf(line))
        continue
      }
      const asked = this.#asked.get(id)
      if (!asked) continue
      this.#asked.delete(id)
      clearTimeout(asked.timer)
      if (verdict === 'ok') asked.resolve(rest.join(' '))
      else asked.reject(new Error(`it said ${verdict}`))
    }
  }

  #end(why: Error): void {
    if (this.#over) return
    this.#over = why
    this.#closed.resolve()
    this.#hello.reject(why)
    for (const { reject, timer } of this.#asked.values()) {
      clearTimeout(timer)
      reject(why)
    }
    this.#asked.clear()
  }
}

function helloOf(line: string): Hello {
  const said = Object.fromEntries(line.split(' ').map((field) => field.split('=', 2) as [string, string | undefined]))
  const listed = (text = ''): string[] => text.split(',').filter(Boolean)
  return {
    root: said.root ?? '',
    uid: said.uid ?? '',
    holder: (said.holder ?? 'none') as Hello['holder'],
    held: listed(said.held),
    cgroups: (said.cgroups ?? '').split(','),
    files: said.files === 'unlimited' ? Infinity : Number(said.files),
    tools: listed(said.tools),
    behind: monotonicMs() - Number(said.uptime) * 1000,
  }
}
