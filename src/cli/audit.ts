/** `audit`: pages into one list, the table, and what a verdict means. */
import { InvalidArgumentError } from 'commander'
import type { ApiCalls } from '../api/client.ts'
import type { AuditRow } from '../api/contract/index.ts'
import { paint, printable, table, terminalWidth } from './render.ts'
import { plural } from './units.ts'

export interface AuditWish {
  actor?: string
  action?: string
  target?: string
  result?: 'done' | 'refused'
  since?: string
  until?: string
}

/** The options of every command are among those of a command: `--json` is no filter. */
export function wishOf({ actor, action, target, result, since, until }: AuditWish): AuditWish {
  const wish = { actor, action, target, result, since, until }
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined))
}

/** An answer may be empty and still not be the last: each looks at a part of the log. */
export async function listEntries(
  { audit }: Pick<ApiCalls, 'audit'>,
  wish: AuditWish,
  limit: number,
): Promise<AuditRow[]> {
  const found: AuditRow[] = []
  let cursor: string | undefined
  while (found.length < limit) {
    const page = await audit.list({ ...wish, cursor, limit: Math.min(200, limit - found.length) })
    found.push(...page.entries)
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  return found
}

export function auditTable(entries: AuditRow[], width = terminalWidth()): string {
  const columns = ['TIME', 'WHO', 'FROM', 'WHAT', 'TO', '', 'DETAIL'].map((title) => ({
    title,
    shrinks: title === 'DETAIL',
  }))
  const rows = entries.map((entry) => [
    `${entry.at.slice(0, 10)} ${entry.at.slice(11, 19)}`,
    printable(entry.actor_kind === 'user' ? entry.actor : `${entry.actor} (${entry.actor_kind})`),
    printable(entry.address ?? ''),
    entry.action,
    printable(entry.target ?? ''),
    entry.result === 'refused' ? paint('red', 'refused') : '',
    printable(JSON.stringify(entry.detail)),
  ])
  return table(columns, rows, width)
}

const entries = (n: number): string => `${n} ${n === 1 ? 'entry' : 'entries'}`

interface Verdict {
  ok: boolean
  checked: number
  head: { seq: string; hash: string } | null
  problems: { kind: string; seq?: string; audit_id?: string }[]
}

const meaning: Record<string, string> = {
  changed: 'was changed after it was written',
  missing_row: 'is gone',
  missing_seal: 'has lost its seal',
  unsealed: 'has no seal although it is older than a minute: put in later, or no server is sealing',
  rewritten: 'is not the one that was kept elsewhere: the chain was made anew',
  cut_off: 'is not there any more: the end of the log was cut off',
}

export function verdictLines({ ok, checked, head, problems }: Verdict): string[] {
  const first = ok
    ? `The log holds: ${entries(checked)}.`
    : `The log does NOT hold: ${plural(problems.length, 'problem')}${problems.length === 100 ? ' or more' : ''} in ${entries(checked)}.`
  const lines = problems.map(({ kind, seq, audit_id }) => {
    const which =
      audit_id === undefined ? `seal ${seq}` : `entry ${audit_id}${seq === undefined ? '' : ` (seal ${seq})`}`
    return `  ${which} ${meaning[kind] ?? kind}`
  })
  return [first, ...lines, ...(head === null ? [] : [`Head, to be kept elsewhere: ${head.seq}:${head.hash}`])]
}

export function parseHead(text: string): { seq: string; hash: string } {
  const [, seq, hash] = /^([1-9]\d{0,17}):([0-9a-f]{64})$/.exec(text.trim()) ?? []
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError('is not SEQ:HASH as `audit verify` prints it')
  return { seq, hash }
}
