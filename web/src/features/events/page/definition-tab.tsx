import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { CopyButton } from '../../../components/copy-line.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import type { EventDefinition, EventDetail } from '../../../lib/api.ts'
import { duration } from '../../../lib/time.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { executorWords, placeText } from '../../jobs/place/executors.ts'
import { effectText, whenText } from '../describe.ts'
import { yamlQuery } from '../queries.ts'
import { isScript } from '../words.ts'

/** What it does, as the document that it is exported as. */
export default function DefinitionTab({ event }: { event: EventDetail }) {
  const yaml = useQuery(yamlQuery(event.id, event.version))
  const definition = event.definition as unknown as EventDefinition
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]">
      <section aria-label="Definition" className="min-w-0 overflow-hidden rounded-lg border border-line bg-surface">
        {yaml.isPending && <Loading rows={8} label="Loading the definition" />}
        {yaml.isError && <Failed error={yaml.error} retry={() => void yaml.refetch()} />}
        {yaml.data !== undefined && (
          <>
            <div className="flex items-center justify-between border-b border-line py-0.5 pr-1 pl-3 text-sm text-muted">
              <span>
                Version {event.version}, as <code className="font-mono text-xs">runyard event export</code> writes it
              </span>
              <CopyButton text={yaml.data} label="Copy the document" />
            </div>
            <pre
              tabIndex={0}
              role="region"
              aria-label="YAML"
              className="max-h-[max(24rem,calc(100dvh-18rem))] overflow-auto bg-log p-3 font-mono text-xs leading-5"
            >
              {yaml.data}
            </pre>
          </>
        )}
      </section>
      <aside className="flex flex-col gap-4 rounded-lg border border-line bg-surface p-4 text-sm">
        <Facts definition={definition} />
      </aside>
    </div>
  )
}

function Facts({ definition }: { definition: EventDefinition }) {
  const { actions, secrets, timeouts, max_attempts, max_running, when_full, max_executions } = definition
  const used = [...new Set(Object.values(secrets))]
  return (
    <>
      <Part title="Then">
        {actions.length === 0
          ? 'Nothing follows.'
          : actions.map((action) => (
              <p key={action.name} className={action.enabled ? undefined : 'opacity-60'}>
                <span className="font-medium">{visibleText(effectText(action.do))}</span>
                <span className="block text-muted">
                  {visibleText(whenText(action))}
                  {!action.enabled && ' (off)'}
                </span>
              </p>
            ))}
      </Part>
      {isScript(definition.kind) && (
        <Part title="Where">
          <p>{placeOf(definition)}</p>
        </Part>
      )}
      <Part title="Secrets">
        {used.length === 0
          ? 'It uses none.'
          : used.map((name) => (
              <code key={name} className="font-mono text-xs">
                {name}
              </code>
            ))}
      </Part>
      <Part title="Time">
        <p>
          {timeouts.run_seconds === undefined
            ? 'As the server is set'
            : `${duration(timeouts.run_seconds * 1000)} to run`}
          , {duration(timeouts.setup_seconds * 1000)} to set up, {duration(timeouts.cleanup_seconds * 1000)} to clean up
        </p>
      </Part>
      <Part title="Runs">
        <p>{max_attempts === 1 ? 'One try each' : `Up to ${max_attempts} tries each`}</p>
        {max_running !== null && (
          <p>
            {max_running} at once, a further one {when_full === 'wait' ? 'waits' : 'is left out'}
          </p>
        )}
        {max_executions !== null && <p>Paused after {max_executions.toLocaleString()}</p>}
      </Part>
    </>
  )
}

/** What it names; else it is decided when it runs. */
function placeOf({ job }: EventDefinition): string {
  const executor = job.executor ?? (job.hosts ? 'ssh' : null)
  if (executor === null) return 'As the server is set'
  const place = placeText({ ...job, executor })
  return place === null ? executorWords(executor).label : `${executorWords(executor).label}: ${visibleText(place)}`
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-1.5">
      <h2 className="font-semibold text-muted">{title}</h2>
      {children}
    </section>
  )
}
