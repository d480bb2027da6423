import type { FastifyRequest } from 'fastify'
import type { Principal } from '../access/authenticate.ts'
import { hostPrincipal, type HostAuthenticate } from '../access/host-people.ts'
import type { WhileThere } from '../api/rest/contract-routes.ts'
import type { Db } from '../db/pool.ts'

/** Who asks, as the application says that we are embedded in. */
export const hostAccess =
  (db: Db, whileThere: WhileThere, ask: HostAuthenticate) =>
  async ({ method, url, headers, ip }: FastifyRequest): Promise<Principal | null> => {
    const person = await ask({ method, url, headers, address: ip })
    return person === null ? null : whileThere(() => hostPrincipal(db, person))
  }
