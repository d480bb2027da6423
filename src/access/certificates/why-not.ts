/** For the server's own log and audit: which of the reasons it was. The client is told only that it does not hold. */
import type { Queryable } from '../../db/pool.ts'

/** The first that is true, the gravest first. */
const reasons = `case
  when c.revoked_at is not null then 'revoked' || coalesce(': ' || nullif(c.revoke_reason, ''), '')
  when c.not_after <= clock_timestamp() then 'ended at ' || to_char(c.not_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  when a.not_after <= clock_timestamp() then 'its authority has ended'
  when c.not_before > clock_timestamp() then 'does not hold yet'
  when c.spent_at is not null then 'used up: an enrolment works once'
  when u.disabled_at is not null then 'its account is disabled'
  when u.role <> c.role then 'its account is ' || u.role || ' now, the certificate ' || c.role
  else 'holds now: it was asked for at the moment of a change'
end`

export async function whyNot(db: Queryable, fingerprint: Buffer): Promise<string> {
  const { rows } = await db.query<{ reason: string }>({
    name: 'why_not_certificate',
    text: `select ${reasons} as reason from certificates c
           join certificate_authorities a on a.id = c.authority_id left join users u on u.id = c.user_id
           where c.fingerprint = $1`,
    values: [fingerprint],
  })
  return `certificate refused: ${rows[0]?.reason ?? 'unknown, not in the database of this installation'}`
}
