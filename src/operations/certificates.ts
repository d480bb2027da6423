/** The authority of this installation and the certificates it issues. All of it is the administrators' affair. */
import {
  defaultDays,
  findCertificate,
  initAuthority,
  issueCertificate,
  listAuthorities,
  listCertificates,
  refuseNameOfLocalRunner,
  refuseNumber,
  revokeCertificate,
  type AuthorityRow,
  type CertificateRow,
  type CertificateState,
} from '../access/certificates/index.ts'
import { may, type Action } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { derOfPem } from '../x509/pem.ts'
import type { CertificateRole } from '../x509/roles.ts'
import { audited, noteDone } from './audited.ts'
import { known, notFound, type Ask, type Deps, type KnownAsk } from './deps.ts'

export function onlyAdministrators(ask: KnownAsk, action: Action): void {
  if (!may(ask.principal, action)) {
    throw new AppError('permission_denied', 'certificates are the affair of administrators')
  }
}

export interface InitAuthorityInput {
  name: string
  years: number
  rotate: boolean
  end_old: boolean
}

export async function initAuthorityBy(deps: Deps, anyAsk: Ask, input: InitAuthorityInput) {
  const ask = known(anyAsk)
  const { name, years, rotate, end_old: endOld } = input
  return audited(deps, ask, { action: 'authority.create' }, async (tx, note) => {
    onlyAdministrators(ask, 'certificate.issue')
    const { ended, ...made } = await initAuthority(tx, deps.sealer, { name, years, rotate, endOld })
    note({ name, years, rotate, end_old: endOld, certificates_ended: ended }, `authority:${made.id}`)
    return { ...showAuthority(made), certificates_ended: ended }
  })
}

export async function listAuthoritiesFor(deps: Deps, anyAsk: Ask) {
  onlyAdministrators(known(anyAsk), 'certificate.read')
  return (await listAuthorities(deps.db)).map(showAuthority)
}

export interface IssueInput {
  name: string
  role: 'admin' | 'operator' | 'viewer' | 'runner'
  days?: number
  /** PKCS #10, PEM. */
  request: string
}

export async function issueCertificateBy(deps: Deps, anyAsk: Ask, input: IssueInput) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'certificate.issue' }, async (tx, note) => {
    onlyAdministrators(ask, 'certificate.issue')
    const { name, role, days = defaultDays[role] } = input
    note({ name, role, days })
    refuseNumber(name)
    if (role === 'runner') await refuseNameOfLocalRunner(tx, name)
    const request = derOfPem('CERTIFICATE REQUEST', input.request, 'request')
    const maxRunning = deps.config.defaultUserMaxRunning
    const issuedBy = ask.principal.username
    const issued = await issueCertificate(tx, deps.sealer, { name, role, days, request, issuedBy, maxRunning })
    note({ serial: issued.serial }, `certificate:${issued.id}`)
    if (issued.accountCreated) {
      const act = { action: 'user.create', target: `user:${issued.name}` }
      await noteDone(tx, ask, act, { role, max_running: maxRunning, password: false })
    }
    return {
      certificate: show((await findCertificate(tx, issued.id))!),
      certificate_pem: issued.certificatePem,
      authorities_pem: issued.authoritiesPem,
      account_created: issued.accountCreated,
    }
  })
}

export interface ListCertificatesInput {
  role?: CertificateRole[]
  name?: string
  state?: CertificateState[]
  cursor?: string
  limit: number
}

export async function listCertificatesFor(deps: Deps, anyAsk: Ask, input: ListCertificatesInput) {
  onlyAdministrators(known(anyAsk), 'certificate.read')
  const { cursor, limit, ...filter } = input
  const { rows, nextCursor } = await listCertificates(deps.db, filter, { cursor, limit })
  return { certificates: rows.map(show), next_cursor: nextCursor }
}

/** Of one that was revoked before, the first reason stays. */
export async function revokeCertificateBy(deps: Deps, anyAsk: Ask, input: { id: string; reason?: string }) {
  const ask = known(anyAsk)
  const { id, reason } = input
  return audited(deps, ask, { action: 'certificate.revoke', target: `certificate:${id}` }, async (tx, note) => {
    onlyAdministrators(ask, 'certificate.revoke')
    const revoked = await revokeCertificate(tx, { id, reason })
    const row = await findCertificate(tx, id)
    if (row === null) throw notFound('certificate')
    note({ name: row.name, role: row.role, reason: reason ?? null, before: !revoked })
    return { ...show(row), revoked_before: !revoked }
  })
}

const showAuthority = (row: AuthorityRow) => ({
  id: row.id,
  certificate_pem: row.certificatePem,
  fingerprint: row.fingerprint.toString('hex'),
  created_at: row.createdAt.toISOString(),
  ends_at: row.notAfter.toISOString(),
})

const show = (row: CertificateRow) => ({
  id: row.id,
  name: row.name,
  role: row.role,
  state: row.state,
  serial: row.serial,
  fingerprint: row.fingerprint.toString('hex'),
  created_at: row.createdAt.toISOString(),
  ends_at: row.notAfter.toISOString(),
  issued_by: row.issuedBy,
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
  revoked_at: row.revokedAt?.toISOString() ?? null,
  revoke_reason: row.revokeReason,
})
