import type { ClientMessage, ServerMessage } from '../../../src/api/contract/index.ts'

type Subscribe = Extract<ClientMessage, { type: 'subscribe' }>
/** What to ask for, without the id that the connection chooses. */
export type Topic = Subscribe extends infer S ? (S extends Subscribe ? Omit<S, 'id' | 'type'> : never) : never
export type LiveState = 'idle' | 'connecting' | 'open' | 'waiting'
export type { ServerMessage }

interface Subscription {
  /** Asked again at every connect, so that it can name the offset reached by then. */
  topic: () => Topic | null
  onMessage: (message: ServerMessage) => void
}

export interface LiveOptions {
  url: () => string
  /** First wait before a new try; doubles up to `longestWait`. */
  firstWait?: number
  longestWait?: number
  onRefused?: () => void
}

/** One WebSocket for all that is live on the page. After a break it connects again and asks anew for every topic. */
export class LiveConnection {
  readonly #options: Required<Omit<LiveOptions, 'onRefused'>> & Pick<LiveOptions, 'onRefused'>
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #watchers = new Set<() => void>()
  #socket: WebSocket | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #nextId = 1
  #state: LiveState = 'idle'

  constructor(options: LiveOptions) {
    this.#options = { firstWait: 400, longestWait: 10_000, ...options }
  }

  get state(): LiveState {
    return this.#state
  }

  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  subscribe(topic: () => Topic | null, onMessage: (message: ServerMessage) => void): () => void {
    const id = String(this.#nextId++)
    this.#subscriptions.set(id, { topic, onMessage })
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ask(id)
    else this.#connect()
    return () => {
      if (!this.#subscriptions.delete(id)) return
      this.#send({ type: 'unsubscribe', id })
      if (this.#subscriptions.size === 0) this.close()
    }
  }

  /** Holds the connection open without a topic: whether it stands is worth knowing on every page. */
  keep(): () => void {
    return this.subscribe(
      () => null,
      () => {},
    )
  }

  /** Tries at once, e.g. because the network is back. */
  retryNow = (): void => {
    if (this.#state === 'waiting') this.#connect()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#tries = 0
    const socket = this.#socket
    this.#socket = null
    socket?.close()
    this.#become('idle')
  }

  #connect() {
    if (this.#socket || this.#subscriptions.size === 0) return
    clearTimeout(this.#timer)
    this.#become('connecting')
    const socket = new WebSocket(this.#options.url())
    this.#socket = socket
    let opened = false
    socket.onopen = () => {
      opened = true
      this.#tries = 0
      this.#become('open')
      for (const id of this.#subscriptions.keys()) this.#ask(id)
    }
    socket.onmessage = (event) => this.#receive(String(event.data))
    socket.onclose = () => {
      if (this.#socket !== socket) return
      this.#socket = null
      if (!opened) this.#options.onRefused?.()
      this.#waitAndRetry()
    }
  }

  #waitAndRetry() {
    const wait = Math.min(this.#options.firstWait * 2 ** this.#tries++, this.#options.longestWait)
    this.#become('waiting')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() * 0.5))
  }

  #ask(id: string) {
    const topic = this.#subscriptions.get(id)?.topic()
    if (topic) this.#send({ type: 'subscribe', id, ...topic })
  }

  #send(message: ClientMessage) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #receive(text: string) {
    const message = JSON.parse(text) as ServerMessage
    if (message.sub !== null) this.#subscriptions.get(message.sub)?.onMessage(message)
  }

  #become(state: LiveState) {
    if (this.#state === state) return
    this.#state = state
    for (const watcher of this.#watchers) watcher()
  }
}
