export type LetterAct = 'redrive' | 'dismiss'
/** Those named, or all open ones that fit. */
export type Meant = { jobs: readonly string[] } | { all: AllFilter }
export interface AllFilter {
  group?: string
  event?: string
  queue?: string
  search?: string
}

export interface Acted {
  done: number
  refused: { job_id: string; reason: string }[]
}

interface Answer {
  done: readonly unknown[]
  refused: Acted['refused']
  more: boolean
}
type Call = (what: { jobs: string[] } | { all: AllFilter }) => Promise<Answer>

/** So many named ones are a call: few enough that something is seen to move. */
const step = 100

/**
 * As many calls as it takes, one after the other, with word after each. Ends early when `stopped` says so; what was done
 * stays done. A call for all meets again what was refused before it: each is told once.
 */
export async function actInSteps(
  meant: Meant,
  call: Call,
  told: (soFar: Acted) => void,
  stopped: () => boolean = () => false,
): Promise<Acted> {
  const refused = new Map<string, string>()
  let done = 0
  const take = (answer: Answer) => {
    done += answer.done.length
    for (const { job_id, reason } of answer.refused) refused.set(job_id, reason)
    told(result())
  }
  const result = (): Acted => ({ done, refused: [...refused].map(([job_id, reason]) => ({ job_id, reason })) })
  if ('jobs' in meant) {
    for (let at = 0; at < meant.jobs.length && !stopped(); at += step) {
      take(await call({ jobs: meant.jobs.slice(at, at + step) }))
    }
    return result()
  }
  let more = true
  while (more && !stopped()) {
    const answer = await call({ all: meant.all })
    take(answer)
    ;({ more } = answer)
  }
  return result()
}
