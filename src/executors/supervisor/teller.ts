/** Tells whoever watches an attempt that its log has grown: at once, then not more often than a follower can see. */
import type { Event } from '../launcher/protocol.ts'
import type { RecordFile } from '../output/record-file.ts'
import { logStateOf } from './over.ts'

export type Watcher = (event: Event) => void

const everyMs = 10

export class Teller {
  watcher: Watcher | null
  readonly #key: string
  #resting = false
  #more = false

  constructor(key: string, watcher: Watcher | null) {
    this.#key = key
    this.watcher = watcher
  }

  grown(log: RecordFile, isOver: () => boolean): void {
    this.#more = true
    if (this.#resting || !this.watcher) return
    this.#more = false
    this.#resting = true
    this.watcher({ event: 'grown', key: this.#key, log: logStateOf(log) })
    setTimeout(() => {
      this.#resting = false
      if (this.#more && !isOver()) this.grown(log, isOver)
    }, everyMs)
  }
}
