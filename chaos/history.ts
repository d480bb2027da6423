/** What the clients were told, in the order in which they were told it: memory for the checker, a file for people. */
import { appendFileSync } from 'node:fs'

export type Entry =
  /** Answered with success: the job is durable, they say. */
  | { t: number; op: 'submit'; tag: string; answer: 'acknowledged'; id: string }
  /** Refused: there must be no job. */
  | { t: number; op: 'submit'; tag: string; answer: 'failed'; why: string }
  /** No answer, or one that leaves it open. */
  | { t: number; op: 'submit'; tag: string; answer: 'indeterminate'; why: string }
  | { t: number; op: 'cancel'; tag: string; answer: 'acknowledged' | 'failed' | 'indeterminate'; why?: string }
  /** A state that was read in the database at this time. */
  | { t: number; op: 'seen'; id: string; state: string; open: number }

export interface History {
  entries: Entry[]
  add(entry: Entry): void
}

export function historyIn(path: string): History {
  const entries: Entry[] = []
  return {
    entries,
    add(entry) {
      entries.push(entry)
      appendFileSync(path, `${JSON.stringify(entry)}\n`)
    },
  }
}
