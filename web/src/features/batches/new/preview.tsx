import { CircleAlert } from 'lucide-react'
import { Alert } from '../../../components/alert.tsx'
import { cn } from '../../../lib/cn.ts'
import { problemOf } from '../../../lib/problem.ts'
import { commandText } from '../../../lib/shell-words.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { groupProblems } from './group-problems.ts'
import { count } from '../count-words.tsx'
import type { NewBatch } from './use-new-batch.ts'

const shownProblems = 50

/** What the server would make of it: how many jobs, the first of them, and all that is wrong. */
export function Preview({ batch }: { batch: NewBatch }) {
  const { preview } = batch
  const problems = groupProblems(batch.untouched ? [] : batch.problems, preview.data?.total)
  const data = batch.untouched ? undefined : preview.data
  return (
    <section aria-label="Preview" aria-busy={preview.late} className="rounded-lg border border-line bg-surface">
      <div className="flex items-baseline justify-between gap-3 border-b border-line px-4 py-2.5">
        <h2 className="text-sm font-semibold text-muted">Preview</h2>
        <p role="status" className={cn('text-xl font-semibold tabular-nums', preview.late && 'text-muted')}>
          {data ? `${count.format(data.total)} ${data.total === 1 ? 'job' : 'jobs'}` : '–'}
        </p>
      </div>
      {preview.isError && <Alert className="m-3">{problemOf(preview.error).message}</Alert>}
      {problems.length > 0 && (
        <div className="border-b border-line px-4 py-2.5">
          <h3 className="flex items-center gap-1.5 text-sm font-semibold text-failed">
            <CircleAlert aria-hidden className="size-4" />
            {problems.length === 1 ? 'One problem' : `${count.format(problems.length)} problems`}
          </h3>
          <ul
            aria-label="Problems"
            className="mt-1 flex max-h-64 flex-col gap-0.5 overflow-y-auto text-sm"
            tabIndex={0}
          >
            {problems.slice(0, shownProblems).map(({ field, where, message, first }, index) => (
              <li key={index} className="break-words">
                {where !== '' && `${sentence(where)}: `}
                {field !== '' && <code className="mr-1.5 font-mono text-xs text-failed">{field}</code>}
                {message}
                {batch.lineOf(first) !== undefined && (
                  <span className="ml-1.5 text-muted">line {batch.lineOf(first)}</span>
                )}
              </li>
            ))}
            {problems.length > shownProblems && (
              <li className="text-muted">and {count.format(problems.length - shownProblems)} more</li>
            )}
          </ul>
        </div>
      )}
      {data && data.jobs.length > 0 && (
        <ol
          aria-label="The first jobs"
          tabIndex={0}
          className={cn('max-h-[60dvh] overflow-y-auto', preview.late && 'text-muted')}
        >
          {data.jobs.map((job) => (
            <li key={job.index} className="flex gap-3 border-t border-line px-4 py-1.5 first:border-t-0">
              <span className="w-8 shrink-0 text-right text-sm text-muted tabular-nums">{job.index}</span>
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">{visibleText(job.name)}</span>
                <span className="block truncate font-mono text-xs leading-5 text-muted">
                  {commandText(job.command)}
                </span>
              </span>
              {job.matrix && (
                <span className="flex max-w-[45%] flex-wrap items-start justify-end gap-1">
                  {Object.entries(job.matrix).map(([axis, value]) => (
                    <span
                      key={axis}
                      className="max-w-full truncate rounded bg-sunken px-1.5 font-mono text-xs leading-5"
                    >
                      {axis}={String(value)}
                    </span>
                  ))}
                </span>
              )}
            </li>
          ))}
          {data.total > data.jobs.length && (
            <li className="border-t border-line px-4 py-2 text-sm text-muted">
              and {count.format(data.total - data.jobs.length)} more
            </li>
          )}
        </ol>
      )}
      {!data && !preview.isError && problems.length === 0 && (
        <p className="px-4 py-6 text-center text-muted">The jobs appear here while you write.</p>
      )}
    </section>
  )
}
