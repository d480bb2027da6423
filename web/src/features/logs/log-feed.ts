import type { LiveConnection, ServerMessage } from '../../lib/live.ts'
import { byteSize } from '../../lib/time.ts'
import { LogBuffer } from './log-buffer.ts'

export interface LogFeedOptions {
  jobId: string
  /** A certain attempt; the newest and all after it when missing. */
  attempt?: number
  stream: 'all' | 'stdout' | 'stderr'
  /** Byte to begin at, for the end of a log too large to be read whole. */
  offset: number
  live: Pick<LiveConnection, 'subscribe'>
}

export interface LogSnapshot {
  buffer: LogBuffer
  /** Rises with every change: the buffer itself is changed in place. */
  version: number
  attempt: number | null
  /** `waiting` until the first byte or the end. */
  state: 'waiting' | 'live' | 'ended' | 'failed'
  error: string | null
}

/** One log on its way in: asks for it, goes on after a break where it was, and hands it to a buffer. */
export class LogFeed {
  readonly #options: LogFeedOptions
  readonly #watchers = new Set<() => void>()
  #snapshot: LogSnapshot
  #next: number
  #skipPartialLine: boolean
  #scheduled = false
  #stop: (() => void) | null = null

  constructor(options: LogFeedOptions) {
    this.#options = options
    this.#next = options.offset
    this.#skipPartialLine = options.offset > 0
    this.#snapshot = {
      buffer: new LogBuffer(),
      version: 0,
      attempt: options.attempt ?? null,
      state: 'waiting',
      error: null,
    }
  }

  snapshot = (): LogSnapshot => this.#snapshot

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  start(): void {
    this.#stop ??= this.#options.live.subscribe(
      () => this.#topic(),
      (message) => this.#take(message),
    )
  }

  stop(): void {
    this.#stop?.()
    this.#stop = null
  }

  #topic() {
    const { jobId, stream } = this.#options
    const { attempt, state } = this.#snapshot
    if (state === 'ended' || state === 'failed') return null
    const base = { topic: 'log' as const, job_id: jobId, stream }
    if (attempt === null) return base
    return { ...base, attempt, onward: this.#options.attempt === undefined, offset: this.#next }
  }

  #take(message: ServerMessage) {
    if (message.type === 'log') {
      const fresh = message.attempt !== this.#snapshot.attempt && this.#snapshot.attempt !== null
      if (fresh) this.#snapshot = { ...this.#snapshot, buffer: new LogBuffer() }
      this.#add(message.stream, message.offset, fromBase64(message.data), message.time)
      this.#change({ attempt: message.attempt, state: 'live' })
    } else if (message.type === 'log_end') {
      this.#snapshot.buffer.end()
      this.#change({ state: 'ended', attempt: message.attempt ?? this.#snapshot.attempt })
      this.stop()
    } else if (message.type === 'error') {
      this.#change({ state: 'failed', error: message.message })
      this.stop()
    } else if (message.type === 'subscribed' && this.#snapshot.attempt !== null && this.#snapshot.state === 'waiting') {
      this.#change({ state: 'live' })
    }
  }

  #add(stream: 'stdout' | 'stderr' | 'mark', offset: number, bytes: Uint8Array, time: number) {
    const { buffer } = this.#snapshot
    if (stream === 'mark') {
      buffer.note(markText(bytes), time)
      this.#next = offset
      return
    }
    this.#next = offset + bytes.length
    const whole = this.#skipPartialLine ? this.#afterFirstNewline(bytes) : bytes
    buffer.push(stream, whole, time)
  }

  /** A log read from its middle begins inside a line, perhaps inside a character. */
  #afterFirstNewline(bytes: Uint8Array): Uint8Array {
    const newline = bytes.indexOf(10)
    if (newline < 0) return bytes.subarray(bytes.length)
    this.#skipPartialLine = false
    return bytes.subarray(newline + 1)
  }

  /** At most one notice per frame, however many pieces come; hidden pages have no frames, so a timer stands behind. */
  #change(part: Partial<LogSnapshot>) {
    this.#snapshot = { ...this.#snapshot, ...part, version: this.#snapshot.version + 1 }
    if (this.#scheduled) return
    this.#scheduled = true
    setTimeout(() => {
      this.#scheduled = false
      for (const watcher of this.#watchers) watcher()
    }, 40)
  }
}

function markText(bytes: Uint8Array): string {
  try {
    const mark = JSON.parse(new TextDecoder().decode(bytes)) as { kind?: string; bytes?: number }
    if (mark.kind === 'truncated') return `The output limit is reached; ${byteSize(mark.bytes ?? 0)} were not kept.`
    return `Note: ${mark.kind}`
  } catch {
    return 'Note'
  }
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
