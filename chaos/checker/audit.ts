/** One row for every request that changes something, refused ones included: not fewer, and none for what nobody asked. */
import type { Evidence } from '../evidence.ts'
import type { Entry } from '../history.ts'
import type { Violation } from './violation.ts'

const staleRow = 'runner.stale'

export function checkAudit({ operations, history, audit, replays }: Evidence): Violation[] {
  const found: Violation[] = audit.problems.map((problem) => ({
    kind: 'audit_wrong',
    message: `the chain of the audit log: ${problem}`,
    evidence: [],
  }))
  const rows = Map.groupBy(audit.rows, (row) =>
    row.action === staleRow ? staleRow : `${row.action} ${row.target ?? '-'} ${row.result}`,
  )
  const wrong = (message: string, ...facts: unknown[]): void =>
    void found.push({ kind: 'audit_wrong', message, evidence: facts.map((fact) => JSON.stringify(fact)) })

  const told = Map.groupBy(history.filter(isAsk), (entry) => `${entry.op} ${entry.tag}`)
  for (const calls of Map.groupBy(operations, (each) => each.batch ?? each.tag).values()) {
    // The row of a call names the first job that it made.
    const { tag } = calls[0]!
    const entries = told.get(`submit ${tag}`) ?? []
    const id = entries.find((entry) => entry.answer === 'acknowledged')?.id
    if (id === undefined) continue
    const made = (rows.get(`job.submit job:${id} done`) ?? []).filter(({ replayed }) => !replayed)
    if (made.length !== 1) wrong(`${tag}: ${made.length} audit rows say that job ${id} was submitted`, ...entries)
  }
  for (const { tag } of operations) {
    const cancels = told.get(`cancel ${tag}`) ?? []
    const id = (told.get(`submit ${tag}`) ?? []).find((entry) => entry.answer === 'acknowledged')?.id
    const acknowledged = cancels.filter(({ answer }) => answer === 'acknowledged').length
    const noted = rows.get(`job.cancel job:${id} done`)?.length ?? 0
    if (id !== undefined && (noted < acknowledged || noted > cancels.length)) {
      wrong(`${tag}: ${noted} audit rows of ${acknowledged} acknowledged cancels`, ...cancels)
    }
  }
  const refused = operations.filter(({ forbidden }) => forbidden).flatMap(({ tag }) => told.get(`submit ${tag}`) ?? [])
  const answers = refused.filter(({ answer }) => answer === 'failed').length
  const noted = audit.rows.filter((row) => row.action === 'job.submit' && row.result === 'refused').length
  if (noted < answers || noted > refused.length) {
    wrong(`${noted} audit rows of ${answers} refused submits (${refused.length} tries)`)
  }
  const stale = new Set(rows.get(staleRow)?.map(({ kind, token }) => `${kind} ${token}`))
  for (const replay of replays.filter(({ accepted, repeated }) => !accepted && !repeated)) {
    if (!stale.has(`${replay.kind} ${replay.token}`)) wrong(`no audit row of a refused ${replay.kind}`, replay)
  }
  return found
}

const isAsk = (entry: Entry): entry is Exclude<Entry, { op: 'seen' }> & { id?: string } => entry.op !== 'seen'
