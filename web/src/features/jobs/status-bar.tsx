import { SegmentedBar, type SegmentPart } from '../../components/segmented-bar.tsx'
import type { Tone } from './states.ts'

export type Counts = Record<Tone, number>

/** What is done stands at the left and grows to the right over what waits. */
const order: Tone[] = ['passed', 'failed', 'cancelled', 'running', 'waiting']

export const partsOf = (counts: Counts | undefined): SegmentPart[] =>
  order.map((kind) => ({ kind, n: counts?.[kind] ?? 0 }))

/** Grey waits, yellow runs, red failed, green passed: how a group of jobs stands. */
export function StatusBar({ counts, ...rest }: { counts: Counts | undefined; label?: string; className?: string }) {
  return <SegmentedBar parts={partsOf(counts)} {...rest} />
}
