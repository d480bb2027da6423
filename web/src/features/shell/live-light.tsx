import { cn } from '../../lib/cn.ts'
import { useLiveState, useLost } from '../../lib/live-page.ts'

/** Whether what is on the page is live. Shape and words say it too, not only the colour; a break has a bar of its own. */
export function LiveLight({ small }: { small?: boolean }) {
  const open = useLiveState() === 'open'
  const lost = useLost()
  return (
    <span
      title={lost ? 'Reconnecting…' : open ? 'Live: changes appear by themselves' : 'Connecting'}
      className="flex h-6 items-center gap-1.5 px-1 text-xs text-muted"
    >
      <span
        aria-hidden
        className={cn(
          'size-2 shrink-0 rounded-full',
          lost ? 'border-2 border-running-fill' : open ? 'bg-passed-fill' : 'bg-line',
        )}
      />
      <span className={small ? 'sr-only' : ''}>{lost ? 'Reconnecting…' : open ? 'Live' : ''}</span>
    </span>
  )
}
