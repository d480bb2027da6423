import { Unplug } from 'lucide-react'
import { useLost } from '../../lib/live-page.ts'

/** Says on every page that nothing new arrives. It is there before its words, so that they are read out. */
export function LostBar() {
  const lost = useLost()
  return (
    <div role="status" className="sticky top-12 z-20 lg:top-0">
      {lost && (
        <p className="flex items-center justify-center gap-2 border-b border-line bg-running-soft px-3 py-1 text-center text-sm text-running">
          <Unplug aria-hidden className="size-4 shrink-0" />
          Connection lost – what you see may be old. Reconnecting…
        </p>
      )}
    </div>
  )
}
