import { useQuery } from '@tanstack/react-query'
import { cn } from '../../../lib/cn.ts'
import { runnersQuery } from '../../runners/queries.ts'
import { KubernetesFields, SlurmFields } from './cluster-fields.tsx'
import { ContainerFields } from './container-fields.tsx'
import { ExecutorIcon } from './executor-icon.tsx'
import { executorKinds, executors } from './executors.ts'
import { HostFields } from './host-fields.tsx'
import { toExecutor, type JobPlace } from './job-place.ts'
import { NetworkFields } from './network-fields.tsx'

export interface PlacePart {
  place: JobPlace
  onChange: (change: JobPlace) => void
  /** What the server says against a field of the job. */
  errorOf: (field: string) => string | undefined
}

interface PlaceFieldsProps extends PlacePart {
  /** Of an event: it may be left to the server, and an image to its language. Missing: a job, whose default is known. */
  unset?: { label: string; hint?: string }
}

/** By what and where a job runs, and what that needs to know. */
export function PlaceFields({ unset, ...part }: PlaceFieldsProps) {
  const { place, onChange, errorOf } = part
  const chosen = place.executor ?? (unset ? (place.hosts ? 'ssh' : undefined) : 'sandbox')
  const choices = [...(unset ? [undefined] : []), ...executorKinds]
  const problem = errorOf('executor')
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-1.5">
        <div role="radiogroup" aria-label="Runs in" className="flex flex-wrap gap-1">
          {choices.map((kind) => (
            <button
              key={kind ?? ''}
              type="button"
              role="radio"
              aria-checked={chosen === kind}
              onClick={() => chosen !== kind && onChange(toExecutor(place, kind))}
              className={cn(
                'flex h-8 items-center gap-1.5 rounded-md border px-2.5 text-sm font-medium',
                chosen === kind
                  ? 'border-accent bg-accent-soft text-accent'
                  : 'border-line bg-surface text-muted hover:bg-sunken hover:text-text',
              )}
            >
              {kind && <ExecutorIcon executor={kind} plain />}
              {kind ? executors[kind].label : unset?.label}
            </button>
          ))}
        </div>
        <p className="text-xs text-muted">{chosen ? `${executors[chosen].meaning}.` : unset?.hint}</p>
        {problem && <p className="text-sm text-failed">It {problem}</p>}
        {chosen && chosen !== 'sandbox' && <NobodyHas executor={chosen} />}
      </div>
      {chosen === 'container' && <ContainerFields {...part} imageless={unset && 'the one of its language'} />}
      {chosen === 'ssh' && <HostFields {...part} />}
      {chosen === 'slurm' && <SlurmFields {...part} />}
      {chosen === 'kubernetes' && <KubernetesFields {...part} />}
      {(chosen === undefined || chosen === 'sandbox' || chosen === 'container') && (
        <NetworkFields {...part} unset={unset !== undefined} />
      )}
    </div>
  )
}

/** Better said here than by a job that waits. */
function NobodyHas({ executor }: { executor: string }) {
  const online = useQuery(runnersQuery).data?.filter(({ state }) => state === 'online')
  if (!online || online.some(({ executors: has }) => has.includes(executor))) return null
  return <p className="text-xs text-running">No runner that is online takes such jobs: it would wait for one.</p>
}
