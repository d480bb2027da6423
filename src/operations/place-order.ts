/**
 * Where a job that was just claimed runs, when that is not its runner's own sandbox: addresses, pinned keys, images and
 * their credentials, as they are now. Asked anew for each attempt.
 */
import type { ClaimedJob } from '../queue/types.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { Deps } from './deps.ts'
import { imagePlaces } from './image-places.ts'
import { sshPlaces } from './ssh-places.ts'

/** By job key. Jobs of the sandbox ask nobody. */
export async function placeOrders(deps: Deps, jobs: readonly ClaimedJob[]): Promise<Map<string, PlaceOrder>> {
  const orders = new Map<string, PlaceOrder>()
  const of = (executor: string): ClaimedJob[] => jobs.filter(({ spec }) => spec.executor === executor)
  const ssh = of('ssh')
  if (ssh.length > 0) for (const [key, order] of await sshPlaces(deps, ssh)) orders.set(key, order)
  const imaged = [...of('container'), ...of('kubernetes')]
  if (imaged.length > 0) for (const [key, order] of await imagePlaces(deps, imaged)) orders.set(key, order)
  return orders
}
