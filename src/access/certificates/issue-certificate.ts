/** Issues a certificate and registers it, in one transaction: what is not registered is nobody's. */
import { randomUUID } from 'node:crypto'
import type { Queryable } from '../../db/pool.ts'
import { issue, type Issued } from '../../x509/issue.ts'
import { isPersonRole, type CertificateRole } from '../../x509/roles.ts'
import type { Sealer } from '../secrets.ts'
import { accountFor } from './account.ts'
import { issuingAuthority } from './authorities.ts'
import { checkCertificateName } from './names.ts'

/** Days. A runner renews its own in time, a server at two thirds; people come back once a quarter. */
export const defaultDays: Record<CertificateRole, number> = {
  admin: 90,
  operator: 90,
  viewer: 90,
  runner: 90,
  server: 30,
  enrol: 1 / 24,
}

export interface IssueCertificate {
  /** PKCS #10, DER. */
  request: Uint8Array
  name: string
  role: CertificateRole
  days: number
  issuedBy: string
  /** Of a server: what clients dial. */
  hosts?: readonly string[]
  /** Of an account that has to be made. */
  maxRunning?: number
}

export interface IssuedCertificate extends Issued {
  id: string
  /** As the account spells it, for a person. */
  name: string
  /** All that are trusted here, for the holder to trust. */
  authoritiesPem: string
  accountCreated: boolean
}

/** It ends with its authority at the latest. */
export async function issueCertificate(
  tx: Queryable,
  sealer: Sealer,
  input: IssueCertificate,
): Promise<IssuedCertificate> {
  const { role, days } = input
  checkCertificateName(role, input.name)
  const authority = await issuingAuthority(tx, sealer, { role, days })
  const { name: asked, maxRunning } = input
  const account = isPersonRole(role) ? await accountFor(tx, { name: asked, role, maxRunning }) : undefined
  const name = account?.name ?? asked
  const wanted = authority.now.getTime() + days * 86_400_000
  const issued = await issue(authority, {
    request: input.request,
    name,
    role,
    uri: `runyard:certificate:${randomUUID()}`,
    notAfter: new Date(Math.min(wanted, authority.notAfter.getTime())),
    hosts: input.hosts,
    now: authority.now,
  })
  const { rows } = await tx.query<{ id: string }>(
    `insert into certificates (authority_id, fingerprint, serial, name, role, user_id, not_before, not_after, issued_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    [
      authority.id,
      issued.fingerprint,
      issued.serial,
      name,
      role,
      account?.userId ?? null,
      issued.notBefore,
      issued.notAfter,
      input.issuedBy,
    ],
  )
  const { authoritiesPem } = authority
  return { ...issued, id: rows[0]!.id, name, authoritiesPem, accountCreated: account?.created ?? false }
}
