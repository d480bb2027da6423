/**
 * The hash chain over the audit log: seal n = SHA-256(seal n-1, row n as canonical JSON). A changed, missing, added or
 * reordered row breaks it. Rows are sealed a moment after they commit, in the order in which they became visible.
 */
import { createHash } from 'node:crypto'
import type { Db, Queryable } from '../db/pool.ts'
import type { Service } from '../lib/service.ts'

const sealLock = 7_281_002
const page = 1000
const genesis = Buffer.alloc(32)

interface AuditRow {
  id: string
  at: string
  actor_kind: string
  actor: string
  action: string
  target: string | null
  result: string
  detail: string
  address: string | null
}

// Times and detail as text: JavaScript would round microseconds and large numbers, and not notice when they change.
const rowColumns = `a.id, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, a.actor_kind, a.actor,
  a.action, a.target, a.result, a.detail::text as detail, a.address`

/** Keys in the order of their names and no spaces: the same row always gives the same bytes. */
function canonical(seq: bigint, row: AuditRow): string {
  const { id, at, actor_kind, actor, action, target, result, detail, address } = row
  return JSON.stringify({ action, actor, actor_kind, address, at, detail, id, result, seq: String(seq), target })
}

const link = (previous: Uint8Array, seq: bigint, row: AuditRow): Buffer =>
  createHash('sha256').update(previous).update(canonical(seq, row)).digest()

/** Seals what is not sealed yet among rows behind `after`; all of them when it is left out. */
export async function sealAudit(db: Db, after = '0'): Promise<number> {
  let sealed = 0
  for (;;) {
    const now = await db.tx((tx) => sealPage(tx, after))
    sealed += now
    if (now < page) return sealed
  }
}

async function sealPage(tx: Queryable, after: string): Promise<number> {
  // Two servers that think they lead must not build two chains.
  await tx.query('select pg_advisory_xact_lock($1)', [sealLock])
  const { rows: last } = await tx.query<{ seq: string; hash: Buffer }>(
    'select seq, hash from audit_seals order by seq desc limit 1',
  )
  const { rows } = await tx.query<AuditRow>(
    `select ${rowColumns} from audit_log a where ${unsealed} order by a.id limit ${page}`,
    [after],
  )
  if (rows.length === 0) return 0
  let seq = BigInt(last[0]?.seq ?? 0)
  let hash: Buffer = last[0]?.hash ?? genesis
  const links = rows.map((row) => {
    seq += 1n
    hash = link(hash, seq, row)
    return { seq: String(seq), id: row.id, hash }
  })
  await tx.query(
    `insert into audit_seals (seq, audit_id, hash)
     select * from unnest($1::bigint[], $2::bigint[], $3::bytea[])`,
    [links.map((l) => l.seq), links.map((l) => l.id), links.map((l) => l.hash)],
  )
  return rows.length
}

const unsealed = 'a.id > $1 and not exists (select from audit_seals s where s.audit_id = a.id)'

/** One statement instead of the transaction of five, once a second for ever. */
async function isAnyUnsealed(db: Db, after: string): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(
    `select exists (select from audit_log a where ${unsealed}) as any`,
    [after],
  )
  return rows[0]?.any === true
}

/** The upkeep loop. */
export function auditSealer(db: Db): Service {
  // A row may become visible later than one with a higher id, so each pass looks back behind everything that was there
  // ten minutes ago: ten times longer than any of our statements may take. Now and then it looks at all of them.
  const marks: { at: number; id: string }[] = []
  let passes = 0
  return {
    name: 'seal audit',
    every: 1000,
    async runOnce() {
      const now = performance.now()
      while (marks.length > 1 && marks[1]!.at < now - 600_000) marks.shift()
      const old = marks[0] !== undefined && marks[0].at < now - 600_000 && passes++ % 3600 !== 0
      const after = old ? marks[0]!.id : '0'
      if (await isAnyUnsealed(db, after)) await sealAudit(db, after)
      if (marks.length > 0 && marks.at(-1)!.at > now - 10_000) return
      const { rows } = await db.query<{ id: string }>('select coalesce(max(audit_id), 0) as id from audit_seals')
      marks.push({ at: now, id: rows[0]!.id })
    },
  }
}

export interface AuditProblem {
  kind: 'changed' | 'missing_row' | 'missing_seal' | 'unsealed'
  seq?: string
  auditId?: string
}

export interface AuditVerdict {
  ok: boolean
  checked: number
  /** The newest seal: kept elsewhere, it also proves later that nothing was cut off the end. */
  head: { seq: string; hash: string } | null
  /** The first hundred. */
  problems: AuditProblem[]
}

type SealedRow = { seq: string; hash: Buffer; auditId: string } & (AuditRow | { id: null })

/** Walks the whole chain. Rows of the last minute may still wait for their seal; older ones without are a problem. */
export async function verifyAudit(db: Db): Promise<AuditVerdict> {
  const problems: AuditProblem[] = []
  const report = (problem: AuditProblem): void => void (problems.length < 100 && problems.push(problem))
  let expected = 1n
  let previous: Buffer = genesis
  let checked = 0
  for (;;) {
    const { rows } = await db.query<SealedRow>(
      `select s.seq, s.hash, s.audit_id as "auditId", ${rowColumns}
       from audit_seals s left join audit_log a on a.id = s.audit_id where s.seq >= $1 order by s.seq limit ${page}`,
      [String(expected)],
    )
    for (const row of rows) {
      const seq = BigInt(row.seq)
      if (seq !== expected) report({ kind: 'missing_seal', seq: String(expected) })
      else if (row.id === null) report({ kind: 'missing_row', seq: row.seq, auditId: row.auditId })
      else if (!link(previous, seq, row).equals(row.hash))
        report({ kind: 'changed', seq: row.seq, auditId: row.auditId })
      previous = row.hash // go on from what is stored: one change is one problem, not a thousand
      expected = seq + 1n
      checked += 1
    }
    if (rows.length < page) break
  }
  const { rows: loose } = await db.query<{ id: string }>(
    `select a.id from audit_log a left join audit_seals s on s.audit_id = a.id
     where s.seq is null and a.at < now() - interval '1 minute' order by a.id limit 100`,
  )
  for (const { id } of loose) report({ kind: 'unsealed', auditId: id })
  const head = checked === 0 ? null : { seq: String(expected - 1n), hash: previous.toString('hex') }
  return { ok: problems.length === 0, checked, head, problems }
}
