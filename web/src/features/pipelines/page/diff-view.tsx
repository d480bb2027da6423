import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { cn } from '../../../lib/cn.ts'
import { diffQuery } from '../queries.ts'
import { changesOf, diffRows, type DiffLine, type DiffRow } from './diff-rows.ts'

const looks = {
  same: { row: '', mark: ' ', said: '' },
  added: { row: 'bg-passed-soft text-passed', mark: '+', said: 'added: ' },
  removed: { row: 'bg-failed-soft text-failed', mark: '-', said: 'removed: ' },
}

/** What changed in the source from one version to another. */
export function DiffView({ name, from, to }: { name: string; from: number; to: number }) {
  const diff = useQuery(diffQuery(name, from, to))
  if (diff.isPending) return <Loading rows={5} label="Loading the difference" />
  if (diff.isError) return <Failed error={diff.error} retry={() => void diff.refetch()} />
  return <DiffLines {...diff.data} />
}

/** Lines of two versions of a text, of one under the other. */
export function DiffLines({ from, to, lines }: { from: number; to: number; lines: readonly DiffLine[] }) {
  const rows = useMemo(() => diffRows(lines), [lines])
  const { added, removed } = changesOf(lines)
  return (
    <section
      aria-label={`Version ${from} to ${to}`}
      className="min-w-0 overflow-hidden rounded-lg border border-line bg-surface"
    >
      <p className="flex gap-3 border-b border-line px-3 py-1.5 text-sm text-muted">
        <span>
          Version {from} → {to}
        </span>
        {added + removed === 0 ? (
          <span>the same text</span>
        ) : (
          <span className="tabular-nums">
            <span className="font-semibold text-passed">+{added}</span>{' '}
            <span className="font-semibold text-failed">−{removed}</span>
          </span>
        )}
      </p>
      <div
        role="region"
        aria-label="Changed lines"
        tabIndex={0}
        className="max-h-[max(24rem,calc(100dvh-16rem))] overflow-auto bg-log py-1 font-mono text-xs leading-5"
      >
        <ul className="w-max min-w-full">
          {rows.map((row, index) => (
            <Row key={index} row={row} />
          ))}
        </ul>
      </div>
    </section>
  )
}

function Row({ row }: { row: DiffRow }) {
  if (row.kind === 'gap') {
    return (
      <li className="bg-sunken px-3 py-0.5 text-muted">
        ⋯ {row.lines} {row.lines === 1 ? 'line' : 'lines'} the same
      </li>
    )
  }
  const { row: look, mark, said } = looks[row.kind]
  const number = 'w-10 shrink-0 pr-2 text-right text-muted tabular-nums select-none'
  return (
    <li className={cn('flex whitespace-pre', look)}>
      <span aria-hidden className={number}>
        {row.before}
      </span>
      <span aria-hidden className={number}>
        {row.after}
      </span>
      <span aria-hidden className="w-4 shrink-0 select-none">
        {mark}
      </span>
      {said && <span className="sr-only">{said}</span>}
      <span className="pr-3">{row.text === '' ? ' ' : row.text}</span>
    </li>
  )
}
