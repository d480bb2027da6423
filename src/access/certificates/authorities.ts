/**
 * The authorities of this installation. All that have not ended are trusted. A new one is made beside the old: the
 * newest issues, but for servers, whose certificates come from the oldest that outlives them, because a client that was
 * enrolled before the new one knows only the old.
 */
import { createHash, X509Certificate } from 'node:crypto'
import type { Queryable } from '../../db/pool.ts'
import { AppError } from '../../lib/app-error.ts'
import { createAuthority, type Authority } from '../../x509/authority.ts'
import type { CertificateRole } from '../../x509/roles.ts'
import { notifyAccess } from '../access-changes.ts'
import type { Sealer } from '../secrets.ts'

export interface AuthorityRow {
  id: string
  certificatePem: string
  /** SHA-256 of the certificate. */
  fingerprint: Buffer
  /** Before the end of the certificate itself when it was ended early. */
  notAfter: Date
  createdAt: Date
}

/** One of our advisory locks: two administrators at once make one authority. */
const authorityLock = 7_281_006

const fingerprintOf = (pem: string): Buffer => createHash('sha256').update(new X509Certificate(pem).raw).digest()

/** The key opens for its own certificate only. */
const sealedFor = (sealer: Sealer, pem: string): [sealer: Sealer, aad: string] => [
  sealer.forPurpose('certificate-authority'),
  authorityAad(pem),
]
export const authorityAad = (pem: string): string => `certificate-authority:${fingerprintOf(pem).toString('hex')}`

const columns = `id, certificate_pem as "certificatePem", not_after as "notAfter", created_at as "createdAt"`
type Stored = Omit<AuthorityRow, 'fingerprint'>
const withFingerprint = (row: Stored): AuthorityRow => ({ ...row, fingerprint: fingerprintOf(row.certificatePem) })

export interface InitAuthority {
  name: string
  years: number
  /** Beside one that is there already. */
  rotate?: boolean
  /** For a key that somebody else may have: the ones before end now, with every certificate of theirs. */
  endOld?: boolean
}

export async function initAuthority(
  tx: Queryable,
  sealer: Sealer,
  input: InitAuthority,
): Promise<AuthorityRow & { ended: number }> {
  await tx.query('select pg_advisory_xact_lock($1)', [authorityLock])
  const { rows: clock } = await tx.query<{ now: Date }>('select clock_timestamp() as now')
  const before = await listAuthorities(tx)
  if (before[0] !== undefined && input.rotate !== true) {
    const until = before[0].notAfter.toISOString().slice(0, 10)
    throw new AppError(
      'conflict',
      `there is an authority already, until ${until}: runyard certs init --rotate makes a new one beside it`,
    )
  }
  const made = await createAuthority({ name: input.name, years: input.years, now: clock[0]!.now })
  const [keySealer, aad] = sealedFor(sealer, made.certificatePem)
  const { rows } = await tx.query<Stored>(
    `insert into certificate_authorities (certificate_pem, key_sealed, not_after) values ($1, $2, $3) returning ${columns}`,
    [made.certificatePem, keySealer.seal(made.privateKeyPem, aad), made.notAfter],
  )
  const row = rows[0]!
  const ended = input.endOld === true ? await endOthers(tx, row.id) : 0
  await notifyAccess(tx)
  return { ...withFingerprint(row), ended }
}

async function endOthers(tx: Queryable, id: string): Promise<number> {
  await tx.query(
    'update certificate_authorities set not_after = clock_timestamp() where id <> $1 and not_after > now()',
    [id],
  )
  const { rowCount } = await tx.query(
    `update certificates set revoked_at = clock_timestamp(), revoke_reason = 'its authority was ended'
     where authority_id <> $1 and revoked_at is null and spent_at is null and not_after > now()`,
    [id],
  )
  return rowCount
}

/** Those that have not ended, newest first. */
export async function listAuthorities(db: Queryable): Promise<AuthorityRow[]> {
  const { rows } = await db.query<Stored>(
    `select ${columns} from certificate_authorities where not_after > now() order by id desc`,
  )
  return rows.map(withFingerprint)
}

/** So long before its end the next one should be there, for all clients to learn of it in time. */
const rotateDays = 120

/** The end of the newest, when it is time to make the next. */
export async function authorityEndingSoon(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ end: Date | null }>(
    `select max(not_after) as end from certificate_authorities having max(not_after) < now() + make_interval(days => $1)`,
    [rotateDays],
  )
  return rows[0]?.end ?? null
}

/** Their certificates, PEM, newest first. */
export async function trustedAuthorities(db: Queryable): Promise<string[]> {
  return (await listAuthorities(db)).map((authority) => authority.certificatePem)
}

export interface IssuingAuthority extends Authority {
  id: string
  notAfter: Date
  /** The database's clock. */
  now: Date
  /** All that are trusted, PEM. */
  authoritiesPem: string
}

/** Throws `failed_precondition` when there is none. */
export async function issuingAuthority(
  tx: Queryable,
  sealer: Sealer,
  want: { role: CertificateRole; days: number },
): Promise<IssuingAuthority> {
  const { rows } = await tx.query<Stored & { keySealed: Buffer; now: Date; outlives: boolean }>(
    `select ${columns}, key_sealed as "keySealed", clock_timestamp() as now,
       not_after >= clock_timestamp() + $1 * interval '1 day' as outlives
     from certificate_authorities where not_after > clock_timestamp() order by id desc`,
    [want.days],
  )
  const newest = rows[0]
  if (!newest) throw new AppError('failed_precondition', 'there is no authority yet: runyard certs init')
  const chosen = (want.role === 'server' ? rows.findLast((row) => row.outlives) : undefined) ?? newest
  const [keySealer, aad] = sealedFor(sealer, chosen.certificatePem)
  return {
    id: chosen.id,
    certificatePem: chosen.certificatePem,
    privateKeyPem: keySealer.open(chosen.keySealed, aad).toString(),
    notAfter: chosen.notAfter,
    now: chosen.now,
    authoritiesPem: rows.map((row) => row.certificatePem).join(''),
  }
}
