export interface DiffLine {
  kind: 'same' | 'added' | 'removed'
  text: string
}

export type DiffRow =
  | { kind: DiffLine['kind']; text: string; before: number | null; after: number | null }
  /** Equal lines that are left out. */
  | { kind: 'gap'; lines: number; at: number }

/** Lines with their numbers in both versions; equal ones farther than `context` from any change are left out. */
export function diffRows(lines: readonly DiffLine[], context = 3): DiffRow[] {
  const near = new Uint8Array(lines.length)
  lines.forEach(({ kind }, index) => {
    if (kind !== 'same') near.fill(1, Math.max(0, index - context), index + context + 1)
  })
  const rows: DiffRow[] = []
  let before = 0
  let after = 0
  lines.forEach(({ kind, text }, index) => {
    if (kind !== 'added') before++
    if (kind !== 'removed') after++
    const last = rows.at(-1)
    // A gap of one line says no less than the line itself.
    if (near[index] === 1 || (near[index - 1] !== 0 && near[index + 1] === 1)) {
      rows.push({ kind, text, before: kind === 'added' ? null : before, after: kind === 'removed' ? null : after })
    } else if (last?.kind === 'gap') last.lines++
    else rows.push({ kind: 'gap', lines: 1, at: before })
  })
  return rows
}

export const changesOf = (lines: readonly DiffLine[]) => ({
  added: lines.filter(({ kind }) => kind === 'added').length,
  removed: lines.filter(({ kind }) => kind === 'removed').length,
})
