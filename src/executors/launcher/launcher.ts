/** What a runner asks of its launcher; the executor speaks more of it (`protocol.ts`). */
import type { Answers, Call, Event } from './protocol.ts'

export interface Launcher {
  /** Moves the keeper's deadlines: called after every acknowledged heartbeat. 0 means: kill it now. */
  extend(keys: string[], keepForMs: number): Promise<void>
  /** A lost connection is made anew, a lost launcher started anew. */
  call<Op extends Call['op']>(call: Extract<Call, { op: Op }>): Promise<Answers[Op]>
  onEvent(listener: (event: Event) => void): void
  /** While something is expected the connection keeps this process alive. */
  expectEvents(on: boolean): void
  /**
   * The first call on every connection is this one's: it tells who we are and sees what became of its attempts.
   * `call` is of the new connection alone.
   */
  onConnected(listener: (call: Launcher['call']) => Promise<void>): void
  /** Lets go; a launcher without attempts and without clients ends by itself. */
  close(): Promise<void>
}
