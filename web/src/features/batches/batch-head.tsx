import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CopyButton } from '../../components/copy-line.tsx'
import type { Batch } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { BatchActions } from './batch-actions.tsx'
import { BatchChip } from './batch-chip.tsx'
import { rerunsQuery } from './queries.ts'

export function BatchHead({ batch }: { batch: Batch }) {
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/batches" className="rounded hover:text-text">
            Batches
          </Link>
          <span aria-hidden>/</span>
          <span className="font-mono text-xs">{batch.id}</span>
          <CopyButton text={batch.id} label="Copy the id" />
        </nav>
        <div className="flex min-w-0 items-center gap-3">
          <h1 className="truncate text-2xl font-semibold" dir="auto" title={visibleText(batch.name)}>
            {visibleText(batch.name)}
          </h1>
          <BatchChip batch={batch} large />
        </div>
        {batch.description && <p className="mt-0.5 max-w-3xl text-muted">{visibleText(batch.description)}</p>}
        <Kin batch={batch} />
      </div>
      <BatchActions batch={batch} />
    </div>
  )
}

/** Which batch it repeats, and which repeat it. */
function Kin({ batch }: { batch: Batch }) {
  const reruns = useQuery(rerunsQuery(batch.id)).data ?? []
  if (!batch.rerun_of && reruns.length === 0) return null
  return (
    <p className="mt-1 flex flex-wrap gap-x-3 text-sm text-muted">
      {batch.rerun_of && (
        <span>
          Runs <BatchLink id={batch.rerun_of} /> again
        </span>
      )}
      {reruns.length > 0 && (
        <span className="flex flex-wrap gap-x-1.5">
          Run again as
          {reruns.map(({ id }) => (
            <BatchLink key={id} id={id} />
          ))}
        </span>
      )}
    </p>
  )
}

export function BatchLink({ id }: { id: string }) {
  return (
    <Link
      to="/batches/$id"
      params={{ id }}
      className="rounded font-mono text-xs text-accent underline underline-offset-2"
    >
      {id}
    </Link>
  )
}
