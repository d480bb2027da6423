import type { EventRun } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { visibleText } from '../../lib/visible-text.ts'

/** How far a run says it is, and with what it is busy. Nothing when it says nothing. */
export function Progress({
  run: { progress, status_text },
  className,
}: {
  run: Pick<EventRun, 'progress' | 'status_text'>
  className?: string
}) {
  if (progress === null && !status_text) return null
  const text = visibleText(status_text ?? '')
  return (
    <span className={cn('flex min-w-0 items-center gap-2', className)}>
      {progress !== null && (
        <>
          <span
            role="progressbar"
            aria-label="Progress"
            aria-valuenow={Math.round(progress)}
            className="h-1.5 w-24 shrink-0 overflow-hidden rounded-full bg-line"
          >
            <span className="block h-full rounded-full bg-accent" style={{ width: `${progress}%` }} />
          </span>
          <span className="text-sm text-muted tabular-nums">{Math.round(progress)} %</span>
        </>
      )}
      {text && (
        <span className="min-w-0 truncate text-sm" title={text}>
          {text}
        </span>
      )}
    </span>
  )
}
