import type { Job } from '../../lib/api.ts'
import { isEnded, mayRunAgain } from './states.ts'

export type BulkAct = 'cancel' | 'rerun' | 'delete'

export interface BulkWords {
  button: string
  /** The button's words with the number: `Cancel 3 jobs`. */
  act: (n: number) => string
  /** What is pressed instead. */
  refuse: string
  done: (n: number) => string
  /** What happens. */
  meaning: string
  /** Why some of the chosen ones are left out. */
  others: (n: number) => string
}

const jobs = (n: number) => (n === 1 ? '1 job' : `${n.toLocaleString()} jobs`)
const stay = (n: number, why: string) =>
  n === 1 ? `1 of the chosen ${why} and stays.` : `${n} of the chosen ${why} and stay.`

export const bulkWords: Record<BulkAct, BulkWords> = {
  cancel: {
    button: 'Cancel',
    act: (n) => `Cancel ${jobs(n)}`,
    refuse: 'Let them run',
    done: (n) => `${jobs(n)} cancelled or being stopped`,
    meaning: 'What waits will not run; what runs is stopped with its whole process tree.',
    others: (n) => stay(n, n === 1 ? 'has ended' : 'have ended'),
  },
  rerun: {
    button: 'Run again',
    act: (n) => `Run ${jobs(n)} again`,
    refuse: 'Not now',
    done: (n) => `${jobs(n)} submitted again`,
    meaning: 'A new job is submitted for each, with the same command, environment and limits.',
    others: (n) =>
      stay(n, n === 1 ? 'is a message, sent again from Channels,' : 'are messages, sent again from Channels,'),
  },
  delete: {
    button: 'Delete',
    act: (n) => `Delete ${jobs(n)}`,
    refuse: 'Keep them',
    done: (n) => `${jobs(n)} deleted`,
    meaning: 'The jobs and their logs are removed for good.',
    others: (n) => stay(n, n === 1 ? 'has not ended' : 'have not ended'),
  },
}

/** Those of the chosen jobs that the act makes sense for. */
export function targets(act: BulkAct, chosen: readonly Job[]): Job[] {
  if (act === 'rerun') return chosen.filter(mayRunAgain)
  return chosen.filter((job) => isEnded(job.state) === (act === 'delete'))
}

export interface BulkResult {
  done: number
  refused: { id: string; message: string }[]
}

type Call = (ids: string[]) => Promise<{ done: { id: string }[]; refused: { id: string; message: string }[] }>

/** As many calls as the server's limit of a call needs, one after the other; what was done before a failure is told. */
export async function inParts(ids: readonly string[], call: Call, size = 500): Promise<BulkResult> {
  const result: BulkResult = { done: 0, refused: [] }
  for (let at = 0; at < ids.length; at += size) {
    const answer = await call(ids.slice(at, at + size))
    result.done += answer.done.length
    result.refused.push(...answer.refused)
  }
  return result
}
