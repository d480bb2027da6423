interface AuditProblem {
  kind: string
  seq?: string
  audit_id?: string
}

const words: Record<string, string> = {
  changed: 'was changed after it was written',
  missing_row: 'is gone',
  missing_seal: 'has lost its seal',
  unsealed: 'has no seal although it is older than a minute: it was put in later, or no server is sealing',
}

/** `Entry 7 (seal 5) was changed …`. */
export function problemText({ kind, seq, audit_id }: AuditProblem): string {
  const seal = seq === undefined ? '' : `seal ${seq}`
  const which = audit_id === undefined ? seal : `entry ${audit_id}${seal && ` (${seal})`}`
  return `${which.charAt(0).toUpperCase()}${which.slice(1)} ${words[kind] ?? kind}`
}
