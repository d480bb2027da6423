/** Forgets certificates that ended long ago and that nothing names any more; warns before the authority's own end. */
import type { Queryable } from '../../db/pool.ts'
import { emitFact } from '../../lib/facts.ts'
import type { Service } from '../../lib/service.ts'
import { authorityEndingSoon } from './authorities.ts'

/** Days after their end. Servers make one a month and enrolments are many: nobody asks for those so late. */
const keptDays = 90
const machineKeptDays = 7

/** Returns how many. An authority goes with the last certificate of its own. */
export async function pruneCertificates(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `delete from certificates c
     where c.not_after < now() - make_interval(days => case when c.role in ('server', 'enrol') then $1::int else $2::int end)
       and not exists (select from runners r where r.certificate_id = c.id)`,
    [machineKeptDays, keptDays],
  )
  await db.query(
    `delete from certificate_authorities a
     where a.not_after < now() - make_interval(days => $1::int)
       and not exists (select from certificates c where c.authority_id = a.id)`,
    [keptDays],
  )
  return rowCount
}

const nextAuthority = 'runyard certs init --rotate'

export const certificatePruner = (db: Queryable): Service => ({
  name: 'access.prune_certificates',
  every: 3_600_000,
  async runOnce() {
    const count = await pruneCertificates(db)
    if (count > 0) emitFact({ name: 'certificate.pruned', count })
    const end = await authorityEndingSoon(db)
    if (end !== null)
      emitFact({ name: 'authority.ends_soon', level: 'warn', end: end.toISOString(), fix: nextAuthority })
  },
})
