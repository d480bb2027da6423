import { CircleX, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { Badge } from '../../components/badge.tsx'
import type { Pipeline } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'

export type DefinitionProblem = Pipeline['problems'][number]

const counted = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`
const errorsOf = (problems: readonly DefinitionProblem[]) =>
  problems.filter(({ severity }) => severity === 'error').length

/** `2 errors` or `1 warning`; nothing when all is well. */
export function ProblemsBadge({ problems }: { problems: readonly DefinitionProblem[] }) {
  if (problems.length === 0) return null
  const errors = errorsOf(problems)
  return (
    <Badge tone={errors > 0 ? 'bad' : 'warn'} title="In the newest source of this pipeline">
      {errors > 0 ? counted(errors, 'error') : counted(problems.length, 'warning')}
    </Badge>
  )
}

/** More than these push what is below out of sight. */
const shownAtFirst = 3

/** What is wrong with definitions: how much, where it is, and what to write instead. Errors first. */
export function ProblemList({ problems, label }: { problems: readonly DefinitionProblem[]; label: string }) {
  const [all, setAll] = useState(false)
  const sorted = problems.toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
  const errors = errorsOf(problems)
  const counts = [
    errors > 0 && counted(errors, 'error'),
    problems.length > errors && counted(problems.length - errors, 'warning'),
  ].filter((text) => text !== false)
  return (
    <section aria-label={label} className="overflow-hidden rounded-lg border border-line bg-surface">
      <h2 className="flex flex-wrap gap-x-2 bg-sunken px-3 py-1.5 text-sm font-semibold">
        {label} <span className="font-normal text-muted">{counts.join(', ')}</span>
      </h2>
      <ul>
        {sorted.slice(0, all ? undefined : shownAtFirst).map((problem, index) => (
          <ProblemRow key={index} problem={problem} />
        ))}
      </ul>
      {problems.length > shownAtFirst && (
        <button
          type="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          className="w-full border-t border-line px-3 py-1.5 text-left text-sm font-medium text-accent hover:underline focus-visible:-outline-offset-2"
        >
          {all ? 'Show fewer' : `Show all ${problems.length.toLocaleString()}`}
        </button>
      )}
    </section>
  )
}

function ProblemRow({ problem: { file, line, column, path, message, severity } }: { problem: DefinitionProblem }) {
  return (
    <li className="flex gap-2.5 border-t border-line px-3 py-2 text-sm">
      {severity === 'error' ? (
        <CircleX role="img" aria-label="Error" className="mt-0.5 size-4 shrink-0 text-failed" />
      ) : (
        <TriangleAlert role="img" aria-label="Warning" className="mt-0.5 size-4 shrink-0 text-running" />
      )}
      <div className="min-w-0 flex-1">
        <p className={cn('break-words', severity === 'error' && 'text-failed')}>{sentence(visibleText(message))}</p>
        <p className="font-mono text-xs break-all text-muted">
          {visibleText(file)}:{line}:{column}
          {path !== '' && <> · {visibleText(path)}</>}
        </p>
      </div>
    </li>
  )
}
