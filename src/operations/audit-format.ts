/** One row of the audit log as a line of text. */
export const auditFormats = ['jsonl', 'csv'] as const
export type AuditFormat = (typeof auditFormats)[number]

const columns = ['id', 'at', 'actor_kind', 'actor', 'action', 'target', 'result', 'address', 'seq', 'detail'] as const
export type AuditCells = Record<(typeof columns)[number], unknown>

/** Lines end in CR LF, as RFC 4180 has it. */
export const csvHeader = `${columns.join(',')}\r\n`

export function auditLine(format: AuditFormat, row: AuditCells): string {
  if (format === 'jsonl') return `${JSON.stringify(row)}\n`
  return `${columns.map((name) => cell(row[name])).join(',')}\r\n`
}

/**
 * A table program takes `=`, `+`, `-` and `@` at the beginning for a formula, also behind a tab or a line break, and names
 * in this log are anybody's: an apostrophe makes it text.
 */
function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = /^[\s]*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
