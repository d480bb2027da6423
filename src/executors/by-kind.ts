/** One executor over two: messages go out from the runner itself, all else is the other's. */
import type { Executor } from './executor.ts'
import type { MessageExecutor } from './message.ts'

/** What outlives a runner process is the other's alone: a message that was on its way is lost with its runner. */
export const byKind = (other: Executor, message: MessageExecutor): Executor => ({
  ...other,
  start: (order) => (order.spec.executor === 'message' ? message.start(order) : other.start(order)),
})
