/** What a start throws, as the protocol tells it. */
import { StartRefused } from '../executor.ts'
import type { Answers } from './protocol.ts'

export const asRefusal = (error: Error): Exclude<Answers['start'], { recordFile: string }> => ({
  refused: {
    errorClass: error instanceof StartRefused ? error.errorClass : 'infrastructure',
    message: error.message,
    ...(error instanceof StartRefused && error.share !== undefined ? { share: error.share } : {}),
  },
})
