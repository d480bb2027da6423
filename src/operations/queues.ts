import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { listQueues as findQueues, upsertQueue } from '../queue/find.ts'
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
  await audited(deps, ask, { action: 'queue.put', target: `queue:${input.name}` }, async (tx, note) => {
    if (!may(ask.principal, 'queue.change')) {
      throw new AppError('permission_denied', 'only an administrator may change queues')
    }
    await upsertQueue(tx, input)
    note({ concurrency: input.concurrency, rate: input.rate && `${input.rate.starts}/${input.rate.seconds}s`, paused: input.paused })
  })
  // A queue that opens may have work for runners that are waiting.
  deps.dispatcher.wake()
  const queue = (await findQueues(deps.db)).find((q) => q.name === input.name)
  if (queue === undefined) throw new AppError('not_found', 'the queue was removed meanwhile')
  return queue
}
