/** Whose a certificate is, now: by what is registered, and by the database's clock. */
import type { Queryable } from '../../db/pool.ts'
import { isPersonRole, type CertificateRole } from '../../x509/roles.ts'
import type { Principal } from '../permissions.ts'
import { noteSeen } from '../seen-users.ts'

export interface CertificateHolder {
  certificateId: string
  /** Of the account, the runner or the server. */
  name: string
  role: CertificateRole
  notAfter: Date
  principal: Principal
}

/** Not revoked or ended, not before its time, of an account that is enabled and has that role still. */
const inForce = (c: string, u: string): string => `
  ${c}.revoked_at is null
  and ${c}.not_before <= clock_timestamp() and ${c}.not_after > clock_timestamp()
  and (${c}.user_id is null or (${u}.disabled_at is null and ${u}.role = ${c}.role))`

interface Row {
  id: string
  fingerprint: Buffer
  name: string
  role: CertificateRole
  notAfter: Date
  userId: string | null
  username: string | null
  stale: boolean
  unseen: boolean
}

/** By fingerprint in hex: only those that hold. An enrolment holds until it is spent, or for so long after it. */
export async function verifyCertificates(
  db: Queryable,
  fingerprints: readonly Buffer[],
  spentForSeconds = 0,
): Promise<Map<string, CertificateHolder>> {
  if (fingerprints.length === 0) return new Map()
  const { rows } = await db.query<Row>({
    name: 'verify_certificates',
    text: `select c.id, c.fingerprint, c.name, c.role, c.not_after as "notAfter", u.id as "userId", u.username,
             coalesce(c.last_used_at < now() - interval '1 minute', true) as stale,
             u.id is not null and coalesce(u.last_seen_at < now() - interval '1 minute', true) as unseen
           from certificates c
           join certificate_authorities a on a.id = c.authority_id and a.not_after > clock_timestamp()
           left join users u on u.id = c.user_id
           where c.fingerprint = any($1::bytea[]) and ${inForce('c', 'u')}
             and (c.spent_at is null or c.spent_at > clock_timestamp() - make_interval(secs => $2))`,
    values: [fingerprints, spentForSeconds],
  })
  const stale = rows.filter((row) => row.stale).map((row) => row.id)
  if (stale.length > 0) await noteUse(db, stale)
  const unseen = rows.filter((row) => row.unseen).map((row) => row.userId!)
  if (unseen.length > 0) await noteSeen(db, unseen)
  return new Map(rows.map((row) => [row.fingerprint.toString('hex'), holderOf(row)]))
}

/** Never waits: whoever has the row is about to end it, or notes the same. */
async function noteUse(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'note_certificate_use',
    text: `update certificates set last_used_at = now() where id in (
             select id from certificates where id = any($1::bigint[]) for no key update skip locked)`,
    values: [ids],
  })
}

function holderOf(row: Row): CertificateHolder {
  const { id: certificateId, name, role, notAfter } = row
  const principal: Principal = isPersonRole(role)
    ? { kind: 'certificate', userId: row.userId!, username: row.username!, role, certificateId }
    : { kind: role, userId: null, username: name, role: null, certificateId }
  return { certificateId, name, role, notAfter, principal }
}

/**
 * Keeps it from being revoked until the transaction ends, and says whether it holds and for how long it was made: what
 * it brings forth must not appear after its end.
 */
export async function lockHolding(tx: Queryable, certificateId: string): Promise<{ days: number } | null> {
  const { rows } = await tx.query<{ days: number }>(
    `select extract(epoch from c.not_after - c.created_at)::float8 / 86400 as days
     from certificates c left join users u on u.id = c.user_id
     where c.id = $1 and c.spent_at is null and ${inForce('c', 'u')} for update of c`,
    [certificateId],
  )
  return rows[0] ?? null
}
