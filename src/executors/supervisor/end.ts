/** How an attempt ended, as it travels to the runner and stands on disk. */
import { AttemptLost, StartRefused, type Ended } from '../executor.ts'

export type End =
  | { ended: Omit<Ended, 'startedAt' | 'endedAt'> & { startedAt: number; endedAt: number } }
  | { refused: { errorClass: StartRefused['errorClass']; message: string } }
  | { lost: string }

/** Throws what `RunningAttempt.ended` rejects with. */
export function toEnded(end: End): Ended {
  if ('lost' in end) throw new AttemptLost(end.lost)
  if ('refused' in end) throw new StartRefused(end.refused.errorClass, end.refused.message)
  return { ...end.ended, startedAt: new Date(end.ended.startedAt), endedAt: new Date(end.ended.endedAt) }
}
