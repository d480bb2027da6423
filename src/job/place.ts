/** What the server tells a runner of the place where an attempt runs, when that is not the runner's own sandbox. */
import type { ContainerOrder } from './container.ts'
import type { SshOrder } from './host.ts'

/** With credentials: in memory and on the wire only. */
export interface PlaceOrder {
  container?: ContainerOrder
  ssh?: SshOrder
  /** Why it cannot run anywhere (its host is gone, its image is not allowed any more): ends as refused, with these words. */
  refused?: string
}
