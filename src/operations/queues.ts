import { may } from '../access/permissions.ts'
import { listQueues as findQueues, upsertQueue, type QueueRow } from '../queue/queues.ts'
import { audited } from './audited.ts'
import { known, refusal, type Ask, type Deps } from './deps.ts'

export interface QueueView {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
  retain_days: number | null
  retain_count: number | null
  /** What holds for this queue; 0 is no limit. */
  retention: { days: number; count: number }
  waiting: number
  running: number
  kept: number
  log_bytes: number
}

export interface PutQueueInput {
  name: string
  concurrency: number | null
  rate: { starts: number; seconds: number } | null
  paused: boolean
  retain_days: number | null
  retain_count: number | null
}

export async function listQueues(deps: Deps, anyAsk: Ask): Promise<QueueView[]> {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'queue.read')) throw refusal(ask, 'queue.read', 'you may not see queues')
  return (await findQueues(deps.db)).map((row) => show(row, deps))
}

const show = ({ retainDays = null, retainCount = null, logBytes, ...row }: QueueRow, { config }: Deps): QueueView => ({
  ...row,
  retain_days: retainDays,
  retain_count: retainCount,
  retention: { days: retainDays ?? config.retainDays, count: retainCount ?? config.retainCount },
  log_bytes: logBytes,
})

export async function putQueue(deps: Deps, anyAsk: Ask, input: PutQueueInput): Promise<QueueView> {
  const ask = known(anyAsk)
  const queue = await audited(deps, ask, { action: 'queue.put', target: `queue:${input.name}` }, async (tx, note) => {
    if (!may(ask.principal, 'queue.change')) {
      throw refusal(ask, 'queue.change', 'only an administrator may change queues')
    }
    note({
      concurrency: input.concurrency,
      rate: input.rate && `${input.rate.starts}/${input.rate.seconds}s`,
      paused: input.paused,
      retain_days: input.retain_days,
      retain_count: input.retain_count,
    })
    return upsertQueue(tx, { ...input, retainDays: input.retain_days, retainCount: input.retain_count })
  })
  // A queue that opens may have work for runners that are waiting.
  deps.dispatcher.wake()
  return show(queue, deps)
}
