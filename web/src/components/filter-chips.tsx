import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'

export interface Chip {
  key: string
  name: string
  value: ReactNode
  onRemove: () => void
}

/** What a list is narrowed to, each part with a way out; nothing when it is not narrowed. */
export function FilterChips({ chips, onClear }: { chips: readonly Chip[]; onClear: () => void }) {
  if (chips.length === 0) return null
  return (
    <ul aria-label="Filters in use" className="flex flex-wrap items-center gap-1.5">
      {chips.map(({ key, name, value, onRemove }) => (
        <li
          key={key}
          className="inline-flex h-7 max-w-full items-center gap-1 rounded-full bg-accent-soft pr-1 pl-2.5 text-xs text-accent"
        >
          <span>{name}</span>
          <span className="truncate font-semibold">{value}</span>
          <button
            type="button"
            aria-label={`Remove the filter ${name}`}
            onClick={onRemove}
            className="flex size-5 items-center justify-center rounded-full hover:bg-surface"
          >
            <X aria-hidden className="size-3" />
          </button>
        </li>
      ))}
      <li>
        <Button kind="quiet" size="small" onClick={onClear}>
          Clear filters
        </Button>
      </li>
    </ul>
  )
}
