import { CircleX, TriangleAlert } from 'lucide-react'
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

/** What is wrong with a definition: where it is, and what to write instead. */
export function ProblemList({ problems, label }: { problems: readonly DefinitionProblem[]; label: string }) {
  return (
    <ul aria-label={label} className="overflow-hidden rounded-lg border border-line bg-surface">
      {problems.map(({ file, line, column, path, message, severity }, index) => (
        <li key={index} className="flex gap-2.5 border-t border-line px-3 py-2 text-sm first:border-t-0">
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
      ))}
    </ul>
  )
}
