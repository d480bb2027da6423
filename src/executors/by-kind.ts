/** One executor over three: messages and HTTP requests go out from the runner itself, all else is the other's. */
import type { Executor } from './executor.ts'
import type { HttpExecutor } from './http.ts'
import type { MessageExecutor } from './message.ts'

/** What outlives a runner process is the other's alone: what was on its way is lost with its runner. */
export const byKind = (other: Executor, message: MessageExecutor, http: HttpExecutor): Executor => ({
  ...other,
  start(order) {
    if (order.spec.executor === 'message') return message.start(order)
    return order.spec.executor === 'http' ? http.start(order) : other.start(order)
  },
})
