import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { listQueues as findQueues, upsertQueue } from '../queue/queues.ts'
import { audited } from './audited.ts'
import { known, type Ask, type Deps } from './deps.ts'

export interface QueueView {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
  waiting: number
  running: number
}

export interface PutQueueInput {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
}

export async function listQueues(deps: Deps, ask: Ask): Promise<QueueView[]> {
  known(ask)
  return findQueues(deps.db)
}

export async function putQueue(deps: Deps, anyAsk: Ask, input: PutQueueInput): Promise<QueueView> {
  const ask = known(anyAsk)
  const queue = await audited(deps, ask, { action: 'queue.put', target: `queue:${input.name}` }, async (tx, note) => {
    if (!may(ask.principal, 'queue.change')) {
      throw new AppError('permission_denied', 'only an administrator may change queues')
    }
    note({
      concurrency: input.concurrency,
      rate: input.rate && `${input.rate.starts}/${input.rate.seconds}s`,
      paused: input.paused,
    })
    return upsertQueue(tx, input)
  })
  // A queue that opens may have work for runners that are waiting.
  deps.dispatcher.wake()
  return queue
}
