/** What the parts of a test run add up to, and how it is said. */
export interface Skipped {
  what: string
  reason: string
}

export interface Tally {
  passed: number
  failed: number
  skipped: Skipped[]
  /** One line for each failure. */
  failures: string[]
}

export const emptyTally = (): Tally => ({ passed: 0, failed: 0, skipped: [], failures: [] })

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: [...a.skipped, ...b.skipped],
  failures: [...a.failures, ...b.failures],
})

export const onePassed = (): Tally => ({ ...emptyTally(), passed: 1 })
export const oneFailed = (what: string): Tally => ({ ...emptyTally(), failed: 1, failures: [what] })
export const oneSkipped = (what: string, reason: string): Tally => ({ ...emptyTally(), skipped: [{ what, reason }] })

/** Ends with the one line that machines read. */
export function report({ passed, failed, skipped, failures }: Tally): string {
  const byReason = new Map<string, string[]>()
  for (const { what, reason } of skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), what])
  const lines: string[] = []
  if (skipped.length > 0) lines.push('', 'Skipped:')
  for (const [reason, whats] of byReason) lines.push(`  ${reason}`, ...whats.map((what) => `    - ${what}`))
  if (failures.length > 0) lines.push('', 'Failed:', ...failures.map((what) => `  - ${what}`))
  lines.push('', `${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  return lines.join('\n')
}
