/** Certificates with what has become of them. */
import type { Queryable } from '../../db/pool.ts'
import type { CertificateRole } from '../../x509/roles.ts'

/** `suspended`: its account is disabled or has another role. */
export const certificateStates = ['valid', 'ends_soon', 'suspended', 'ended', 'revoked', 'spent'] as const
export type CertificateState = (typeof certificateStates)[number]

export interface CertificateRow {
  id: string
  name: string
  role: CertificateRole
  state: CertificateState
  serial: string
  fingerprint: Buffer
  notBefore: Date
  notAfter: Date
  issuedBy: string
  createdAt: Date
  lastUsedAt: Date | null
  revokedAt: Date | null
  revokeReason: string | null
}

export interface CertificateFilter {
  id?: string
  role?: readonly CertificateRole[]
  /** Exactly. */
  name?: string
  state?: readonly CertificateState[]
}

/** What renews itself does so at two thirds of its life: in the last quarter something is wrong, or somebody has to act. */
const stateOf = `case
  when c.revoked_at is not null then 'revoked'
  when c.spent_at is not null then 'spent'
  when c.not_after <= now() then 'ended'
  when u.disabled_at is not null or u.role <> c.role then 'suspended'
  when c.not_after - now() < (c.not_after - c.not_before) / 4 then 'ends_soon'
  else 'valid' end`

/** Newest first. A cursor is the `nextCursor` of an earlier answer. */
export async function listCertificates(
  db: Queryable,
  filter: CertificateFilter = {},
  page: { cursor?: string; limit: number } = { limit: 200 },
): Promise<{ rows: CertificateRow[]; nextCursor: string | null }> {
  const { rows } = await db.query<CertificateRow>(
    `select * from (
       select c.id, c.name, c.role, ${stateOf} as state, c.serial, c.fingerprint, c.not_before as "notBefore",
         c.not_after as "notAfter", c.issued_by as "issuedBy", c.created_at as "createdAt",
         c.last_used_at as "lastUsedAt", c.revoked_at as "revokedAt", c.revoke_reason as "revokeReason"
       from certificates c left join users u on u.id = c.user_id
     ) found
     where ($1::bigint is null or id = $1) and ($2::text[] is null or role = any($2)) and ($3::text is null or name = $3)
       and ($4::text[] is null or state = any($4)) and ($5::bigint is null or id < $5)
     order by id desc limit $6`,
    [
      filter.id ?? null,
      filter.role ?? null,
      filter.name ?? null,
      filter.state ?? null,
      page.cursor ?? null,
      page.limit + 1,
    ],
  )
  const shown = rows.slice(0, page.limit)
  return { rows: shown, nextCursor: rows.length > page.limit ? shown.at(-1)!.id : null }
}

export async function findCertificate(db: Queryable, id: string): Promise<CertificateRow | null> {
  return (await listCertificates(db, { id }, { limit: 1 })).rows[0] ?? null
}
