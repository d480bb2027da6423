/** Looking into the audit log: administrators only, and taking all of it away is an entry of its own. */
import { verifyAudit } from '../access/audit-chain.ts'
import { listAudit, sealHash, walkAudit, type AuditFilter, type AuditListRow } from '../access/audit-list.ts'
import { may } from '../access/permissions.ts'
import { AppError } from '../lib/app-error.ts'
import { auditLine, csvHeader, type AuditFormat } from './audit-format.ts'
import { audited } from './audited.ts'
import { known, type Ask, type Deps, type KnownAsk } from './deps.ts'

export interface AuditFilterInput {
  actor?: string
  action?: string
  target?: string
  result?: 'done' | 'refused'
  since?: string
  until?: string
}

export interface ListAuditInput extends AuditFilterInput {
  cursor?: string
  limit: number
}

export async function listAuditFor(deps: Deps, anyAsk: Ask, input: ListAuditInput) {
  mayRead(known(anyAsk))
  const { cursor, limit } = input
  const { rows, nextCursor } = await listAudit(deps.db, filterOf(input), { cursor, limit })
  return { entries: rows.map(showEntry), next_cursor: nextCursor }
}

export interface ExportAuditInput extends AuditFilterInput {
  format: AuditFormat
}

/** Oldest first, as text; the log may be far larger than memory. The first piece comes after the question is noted. */
export async function exportAudit(deps: Deps, anyAsk: Ask, input: ExportAuditInput): Promise<AsyncIterable<string>> {
  const ask = known(anyAsk)
  const { format, ...wished } = input
  await audited(deps, ask, { action: 'audit.export' }, async (_tx, note) => {
    mayRead(ask)
    note({ format, ...Object.fromEntries(Object.entries(wished).filter(([, value]) => value !== undefined)) })
  })
  return textOf(deps, filterOf(input), format)
}

async function* textOf(deps: Deps, filter: AuditFilter, format: AuditFormat): AsyncGenerator<string> {
  if (format === 'csv') yield csvHeader
  for await (const rows of walkAudit(deps.db, filter)) {
    yield rows.map((row) => auditLine(format, showEntry(row))).join('')
  }
}

export interface VerifyAuditInput {
  head?: { seq: string; hash: string }
}

export async function verifyAuditFor(deps: Deps, anyAsk: Ask, { head }: VerifyAuditInput) {
  mayRead(known(anyAsk))
  const verdict = await verifyAudit(deps.db)
  const problems = verdict.problems.map(({ kind, seq, auditId }) => ({ kind: kind as string, seq, audit_id: auditId }))
  if (head !== undefined) {
    const hash = await sealHash(deps.db, head.seq)
    if (hash === undefined) problems.push({ kind: 'cut_off', seq: head.seq, audit_id: undefined })
    else if (hash !== head.hash) problems.push({ kind: 'rewritten', seq: head.seq, audit_id: undefined })
  }
  return { ok: problems.length === 0, checked: verdict.checked, head: verdict.head, problems }
}

function mayRead(ask: KnownAsk): void {
  if (!may(ask.principal, 'audit.read')) {
    throw new AppError('permission_denied', 'only an administrator may see the audit log')
  }
}

const filterOf = ({ actor, action, target, result, since, until }: AuditFilterInput): AuditFilter => ({
  ...{ actor, action, target, result },
  since: since === undefined ? undefined : new Date(since),
  until: until === undefined ? undefined : new Date(until),
})

const showEntry = (row: AuditListRow) => ({
  id: row.id,
  at: row.at.toISOString(),
  actor_kind: row.actorKind,
  actor: row.actor,
  action: row.action,
  target: row.target,
  result: row.result,
  detail: row.detail as never,
  address: row.address,
  seq: row.seq,
})

export type ShownEntry = ReturnType<typeof showEntry>
