import { useMemo } from 'react'
import type { Job } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { count } from './count-words.tsx'
import { failureGroups } from './progress.ts'

const shown = 8

interface FailuresProps {
  members: readonly Job[]
  chosen: string | undefined
  onChoose: (key: string | undefined) => void
}

/** In how many ways the members failed; each is also the filter for its members. */
export function Failures({ members, chosen, onChoose }: FailuresProps) {
  const groups = useMemo(() => failureGroups(members), [members])
  if (groups.length === 0) return null
  return (
    <section aria-label="Failures" className="rounded-lg border border-line bg-surface">
      <h2 className="px-4 pt-2.5 pb-1 text-sm font-semibold text-muted">How they failed</h2>
      <ul className="pb-1.5">
        {groups.slice(0, shown).map(({ key, text, members: failed }) => (
          <li key={key}>
            <button
              type="button"
              aria-pressed={chosen === key}
              onClick={() => onChoose(chosen === key ? undefined : key)}
              className={cn(
                'flex w-full items-baseline gap-3 px-4 py-1 text-left hover:bg-sunken focus-visible:-outline-offset-2',
                chosen === key && 'bg-accent-soft hover:bg-accent-soft',
              )}
            >
              <span className="min-w-6 shrink-0 text-right font-semibold text-failed tabular-nums">
                {count.format(failed.length)}
              </span>
              <span className="min-w-0 flex-1 truncate">{sentence(visibleText(text))}</span>
              <span className="hidden min-w-0 max-w-72 truncate text-sm text-muted sm:block">
                {failed.length > 1 && 'e.g. '}
                {visibleText(failed[0]!.name)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {groups.length > shown && (
        <p className="px-4 pb-2.5 text-sm text-muted">and {groups.length - shown} more ways, each rarer than these</p>
      )}
    </section>
  )
}
