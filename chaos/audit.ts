/** The audit log as it is at the end of a run: its rows about jobs, and whether its chain holds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyAudit } from '../src/access/audit-chain.ts'
import type { Db, Statement } from '../src/db/pool.ts'
import type { AuditFacts, AuditRow } from './evidence.ts'
import type { Grounds } from './stand.ts'

/** Rows are sealed a moment after their commit. */
const sealedWithinMs = 15_000

export async function auditOf(stand: Grounds): Promise<AuditFacts> {
  const problems: string[] = []
  const loose = `select a.id::text from audit_log a where not exists (select from audit_seals s where s.audit_id = a.id)`
  for (const end = performance.now() + sealedWithinMs; ;) {
    const unsealed = await stand.sql(loose)
    if (unsealed.length === 0) break
    if (performance.now() > end) {
      problems.push(`${unsealed.length} rows were not sealed within ${sealedWithinMs / 1000} s`)
      break
    }
    await sleep(200)
  }
  const verdict = await verifyAudit(reader(stand))
  problems.push(...verdict.problems.map((problem) => JSON.stringify(problem)))
  const rows = await stand.sql<AuditRow>(
    `select actor, action, target, result, coalesce((detail->>'replayed')::boolean, false) as replayed,
       detail->>'kind' as kind, detail->>'token' as token
     from audit_log where action in ('job.submit', 'job.cancel', 'runner.stale') order by id`,
  )
  return { rows, problems }
}

/** All that the chain's reader asks of a database. */
function reader(stand: Grounds): Db {
  const query = async (sql: Statement | string, values?: readonly unknown[]): Promise<unknown> => {
    const rows = await stand.sql(typeof sql === 'string' ? sql : sql.text, [...(values ?? [])])
    return { rows, rowCount: rows.length }
  }
  return { query } as unknown as Db
}
