/**
 * Code emits facts (`job.leased`, `runner.registered`), phrased once here as log lines; metrics listen to the same
 * facts. A fact never carries a secret, an environment value or a command line.
 */
import { EventEmitter } from 'node:events'

export interface Fact {
  /** `noun.past_tense`, e.g. `job.finished`. */
  name: string
  level?: 'debug' | 'info' | 'warn' | 'error'
  [key: string]: unknown
}

const listeners = new EventEmitter<{ fact: [Fact] }>()

export const emitFact = (fact: Fact): void => {
  listeners.emit('fact', fact)
}

export function onFact(listener: (fact: Fact) => void): () => void {
  listeners.on('fact', listener)
  return () => listeners.off('fact', listener)
}
