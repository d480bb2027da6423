import { CircleX, TriangleAlert } from 'lucide-react'
import type { FieldProblem } from '../../../lib/problem.ts'
import type { EditTab } from '../place.ts'
import { tabOfField } from './tab-of-field.ts'

interface ProblemBarProps {
  errors: readonly FieldProblem[]
  warnings: readonly FieldProblem[]
  tab: EditTab
  onTab: (tab: EditTab) => void
}

const most = 6

/** All that is wrong, each with a way to where it stands. */
export function ProblemBar({ errors, warnings, tab, onTab }: ProblemBarProps) {
  const all = [
    ...errors.map((one) => ({ ...one, severity: 'error' })),
    ...warnings.map((one) => ({ ...one, severity: 'warning' })),
  ]
  if (all.length === 0) return null
  return (
    <section aria-label="To correct" className="mt-3 rounded-lg border border-line bg-surface text-sm">
      <ul>
        {all.slice(0, most).map(({ field, message, severity }, index) => {
          const place = tabOfField(field)
          return (
            <li key={index} className="flex items-baseline gap-2 border-t border-line px-3 py-1.5 first:border-t-0">
              {severity === 'error' ? (
                <CircleX role="img" aria-label="Error" className="size-3.5 shrink-0 self-center text-failed" />
              ) : (
                <TriangleAlert role="img" aria-label="Warning" className="size-3.5 shrink-0 self-center text-running" />
              )}
              <span className="min-w-0 flex-1 break-words">
                {field !== '' && <code className="mr-1.5 font-mono text-xs text-muted">{field}</code>}
                {message}
              </span>
              {place !== tab && tab !== 'yaml' && (
                <button
                  type="button"
                  onClick={() => onTab(place)}
                  className="shrink-0 rounded font-medium text-accent hover:underline"
                >
                  Go there
                </button>
              )}
            </li>
          )
        })}
      </ul>
      {all.length > most && <p className="border-t border-line px-3 py-1.5 text-muted">and {all.length - most} more</p>}
    </section>
  )
}
