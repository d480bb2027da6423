/**
 * The ways out of attempts with network "egress", as the process sees them that has the attempts: it asks for one and
 * gets a directory with a socket. The process behind it is started at the first need and again if it dies, when all
 * that are open are opened again under the same paths; without any it goes after a minute.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLineReader } from '../launcher/protocol.ts'
import { socketName, type EgressCall, type EgressReply } from './protocol.ts'

export interface WayOut {
  /** A directory with nothing but the socket. To be bound as a whole: a socket is another one after a restart. */
  dir: string
  socket: string
  /** What the job was not let to, as `host:port`, the first ones. */
  close(): Promise<string[]>
}

interface Request {
  name: string
  list: string[]
  allow: string[]
}

/** Enough for a hundred jobs; a runaway ends alone. */
const heapMiB = 96
const lonelyMs = 60_000
const patienceMs = 10_000
const restartMs = 250

/** `main.ts` in the source tree, `egress.js` beside the bundle in the packed package. */
function entry(): string {
  const source = fileURLToPath(new URL('./main.ts', import.meta.url))
  return existsSync(source) ? source : fileURLToPath(new URL('./egress.js', import.meta.url))
}

export class WaysOut {
  readonly #dir: string
  readonly #open = new Map<string, Request>()
  readonly #waiting = new Map<number, (reply: EgressReply) => void>()
  #child: ChildProcess | null = null
  #counter = 0
  #lonely: NodeJS.Timeout | undefined
  #cleared = false
  #closed = false

  /** `dir`: becomes its own; what is in it goes. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** For tests and for people. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** `name`: a file name, of one attempt. Rejects when there can be none. */
  async open(request: Request): Promise<WayOut> {
    clearTimeout(this.#lonely)
    const { name } = request
    this.#open.set(name, request)
    try {
      this.#start()
      await this.#call({ op: 'open', ...request })
    } catch (error) {
      this.#forget(name)
      throw new Error(`no way out could be opened: ${(error as Error).message}`)
    }
    const dir = join(realpathSync(this.#dir), name)
    return { dir, socket: join(dir, socketName), close: () => this.#close(name) }
  }

  async #close(name: string): Promise<string[]> {
    if (!this.#open.has(name)) return []
    this.#forget(name)
    const reply = await this.#call({ op: 'close', name }).catch(() => null)
    return reply?.refused ?? []
  }

  #forget(name: string): void {
    this.#open.delete(name)
    if (this.#open.size > 0) return
    this.#lonely = setTimeout(() => this.#end(), lonelyMs)
    this.#lonely.unref()
  }

  #start(): void {
    if (this.#child !== null || this.#closed) return
    // Not at a later start: sandboxes have the directories below, and would not see new ones.
    if (!this.#cleared) rmSync(this.#dir, { recursive: true, force: true })
    this.#cleared = true
    mkdirSync(this.#dir, { recursive: true, mode: 0o711 })
    const child = spawn(process.execPath, [`--max-old-space-size=${heapMiB}`, '--no-warnings', entry()], {
      cwd: this.#dir,
      // Its words go to our log.
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH ?? '',
        ...(process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
      },
    })
    this.#child = child
    const gone = (): void => {
      if (this.#child === child) this.#onGone()
    }
    child.once('error', gone)
    child.once('exit', gone)
    child.stdin!.on('error', () => {}) // `exit` follows
    child.stdout!.on('error', () => {})
    child.stdout!.on(
      'data',
      createLineReader((line) => {
        const reply = JSON.parse(line) as EgressReply
        this.#waiting.get(reply.n)?.(reply)
      }),
    )
  }

  #onGone(): void {
    this.#child = null
    for (const answer of this.#waiting.values()) answer({ n: 0, ok: false, error: 'its process ended' })
    if (this.#open.size === 0) return
    setTimeout(() => {
      if (this.#closed || this.#open.size === 0) return
      this.#start()
      for (const request of this.#open.values()) this.#call({ op: 'open', ...request }).catch(() => {})
    }, restartMs).unref()
  }

  #call(call: DistributiveOmit<EgressCall, 'n'>): Promise<Extract<EgressReply, { ok: true }>> {
    return new Promise((resolve, reject) => {
      const n = this.#counter++
      const { stdin } = this.#child ?? {}
      if (!stdin?.writable) return reject(new Error('its process is gone'))
      const late = setTimeout(() => onReply({ n, ok: false, error: 'its process does not answer' }), patienceMs)
      const onReply = (reply: EgressReply): void => {
        clearTimeout(late)
        this.#waiting.delete(n)
        if (reply.ok) resolve(reply)
        else reject(new Error(reply.error))
      }
      this.#waiting.set(n, onReply)
      stdin.write(`${JSON.stringify({ n, ...call })}\n`)
    })
  }

  #end(): void {
    const child = this.#child
    this.#child = null
    child?.stdin?.end()
  }

  /** All ways out are shut. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#lonely)
    this.#open.clear()
    this.#end()
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
