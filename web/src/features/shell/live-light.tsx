import { useEffect, useState } from 'react'
import { cn } from '../../lib/cn.ts'
import { useLiveState } from '../../lib/live-page.ts'

/** Whether what is on the page is live. Shape and words say it too, not only the colour. */
export function LiveLight({ small }: { small?: boolean }) {
  const open = useLiveState() === 'open'
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(!open), open ? 0 : 1500)
    return () => clearTimeout(timer)
  }, [open])
  return (
    <span
      role="status"
      title={late ? 'Reconnecting…' : open ? 'Live: changes appear by themselves' : 'Connecting'}
      className="flex h-6 items-center gap-1.5 px-1 text-xs text-muted"
    >
      <span
        aria-hidden
        className={cn(
          'size-2 shrink-0 rounded-full',
          late ? 'border-2 border-running-fill' : open ? 'bg-passed-fill' : 'bg-line',
        )}
      />
      <span className={small ? 'sr-only' : ''}>{late ? 'Reconnecting…' : open ? 'Live' : ''}</span>
    </span>
  )
}
