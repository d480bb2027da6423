import { RotateCw, Trash2, X } from 'lucide-react'
import { Button, IconButton } from '../../components/button.tsx'
import { useFocusAfter } from '../../lib/use-focus-after.ts'
import type { LetterAct } from './act-in-steps.ts'

interface LetterBarProps {
  n: number
  /** So many are listed and open. */
  all: number
  onAll: () => void
  onAct: (act: LetterAct) => void
  onClear: () => void
}

/** What can be done with the chosen ones. It stays in sight at the lower edge while one goes on choosing. */
export function LetterBar({ n, all, onAll, onAct, onClear }: LetterBarProps) {
  useFocusAfter('[data-letter-link]')
  return (
    <div
      role="toolbar"
      aria-label="Chosen failed jobs"
      className="sticky bottom-3 z-20 mx-auto mt-3 flex max-w-full flex-wrap items-center gap-x-2 gap-y-1.5 rounded-lg border border-line bg-surface p-2 shadow-lg sm:px-3"
    >
      <span role="status" className="px-1 text-sm font-medium tabular-nums">
        {n.toLocaleString()} chosen
      </span>
      {n < all && (
        <Button size="small" kind="quiet" onClick={onAll}>
          Choose all {all.toLocaleString()} listed
        </Button>
      )}
      <Button onClick={() => onAct('redrive')}>
        <RotateCw aria-hidden className="size-4" /> Redrive
      </Button>
      <Button kind="danger" onClick={() => onAct('dismiss')}>
        <Trash2 aria-hidden className="size-4" /> Dismiss
      </Button>
      <IconButton label="Choose none" onClick={onClear}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  )
}
