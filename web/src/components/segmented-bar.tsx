import { cn } from '../lib/cn.ts'

export type SegmentKind = 'passed' | 'failed' | 'cancelled' | 'running' | 'approval' | 'waiting'

export const segmentFills: Record<SegmentKind, string> = {
  passed: 'bg-passed-fill',
  failed: 'bg-failed-fill',
  cancelled: 'bg-cancelled-fill',
  running: 'bg-running-fill',
  approval: 'bg-accent',
  waiting: 'bg-waiting-fill',
}

export interface SegmentPart {
  kind: SegmentKind
  n: number
}

interface SegmentedBarProps {
  /** From left to right. */
  parts: readonly SegmentPart[]
  /** What is counted, for those who hear it: `Jobs of nightly`. */
  label?: string
  /** Its height, when it is not the usual one: `h-1` in a row of a table, `h-3.5` at the head of a page. */
  className?: string
}

const number = new Intl.NumberFormat()

/** In words the kinds stand as everywhere, however the bar grows. */
const spoken = ['waiting', 'running', 'approval', 'passed', 'failed', 'cancelled']

/** `3 running, 12 passed`; what is 0 is left out. */
export const segmentsText = (parts: readonly SegmentPart[]): string =>
  parts
    .filter(({ n }) => n > 0)
    .toSorted((a, b) => spoken.indexOf(a.kind) - spoken.indexOf(b.kind))
    .map(({ kind, n }) => `${number.format(n)} ${kind === 'approval' ? 'to approve' : kind}`)
    .join(', ') || 'none yet'

/**
 * Shares of a whole as a bar of fixed height. A share that is not 0 is always seen, however small. The numbers are in
 * its text (read out, and on hover), so it does not speak by colour alone.
 */
export function SegmentedBar({ parts, label = 'Jobs', className = 'h-2 rounded-full' }: SegmentedBarProps) {
  const text = segmentsText(parts)
  return (
    <div
      role="img"
      aria-label={`${label}: ${text}`}
      title={text}
      className={cn('flex w-full gap-px overflow-hidden bg-line', className)}
    >
      {parts.map(({ kind, n }) =>
        n > 0 ? <div key={kind} className={cn('min-w-1 basis-0', segmentFills[kind])} style={{ flexGrow: n }} /> : null,
      )}
    </div>
  )
}
