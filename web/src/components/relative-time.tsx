import { exactTime, relativeTime, relativeTimeStep } from '../lib/time.ts'
import { useNow } from '../lib/use-now.ts'

/** `3 m ago`, kept up to date; the exact time on hover. */
export function RelativeTime({ at, className }: { at: string; className?: string }) {
  const then = Date.parse(at)
  const now = useNow(relativeTimeStep(then, Date.now()))
  return (
    <time dateTime={at} title={exactTime(at)} className={className}>
      {relativeTime(then, now)}
    </time>
  )
}
