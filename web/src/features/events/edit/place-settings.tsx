import { useQuery } from '@tanstack/react-query'
import type { EventKind } from '../../../lib/api.ts'
import { channelsQuery } from '../../channels/queries.ts'
import { imagesQuery } from '../../images/queries.ts'
import { PlaceFields } from '../../jobs/place/place-fields.tsx'
import { queuesQuery } from '../../jobs/queries.ts'
import { Fold } from '../../jobs/submit/fold.tsx'
import { UsedLately } from '../../jobs/suggested-limits.tsx'
import { useEditor } from './editor-context.ts'
import { CheckField, ChoiceField, NumberField, RecordField } from '../../../components/value-fields.tsx'

/** Where it runs, and with how much. */
export function PlaceSettings({ event }: { event: string | undefined }) {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const queues = useQuery(queuesQuery)
  const job = definition.job ?? {}
  const limits = job.limits ?? {}
  const setJob = (change: Partial<typeof job>) => set({ job: { ...job, ...change } })
  const setLimits = (change: Partial<typeof limits>) => setJob({ limits: { ...limits, ...change } })
  return (
    <Fold title="Where it runs, and with how much" open={hasErrors('job')}>
      <PlaceFields
        place={job}
        onChange={setJob}
        errorOf={(field) => errorOf(`job.${field}`)}
        unset={{ label: 'As the server is set', hint: useRoute(definition.kind) }}
      />
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceField
          label="Queue"
          error={errorOf('job.queue')}
          options={{
            '': 'default',
            ...Object.fromEntries((queues.data ?? []).map(({ name }) => [name, name])),
            ...(job.queue ? { [job.queue]: job.queue } : {}),
          }}
          value={job.queue ?? ''}
          onChange={(queue) => setJob({ queue: queue || undefined })}
        />
        <NumberField
          label="CPU, cores"
          optional
          placeholder="default"
          error={errorOf('job.limits.cpu')}
          value={limits.cpu}
          onChange={(cpu) => setLimits({ cpu })}
        />
        <NumberField
          label="Memory, MiB"
          optional
          placeholder="default"
          scale={1024 * 1024}
          error={errorOf('job.limits.memory_bytes')}
          value={limits.memory_bytes}
          onChange={(memory_bytes) => setLimits({ memory_bytes })}
        />
        <NumberField
          label="Disk, MiB"
          optional
          placeholder="default"
          scale={1024 * 1024}
          error={errorOf('job.limits.disk_bytes')}
          value={limits.disk_bytes}
          onChange={(disk_bytes) => setLimits({ disk_bytes })}
        />
        <NumberField
          label="Priority"
          optional
          placeholder="0"
          error={errorOf('job.priority')}
          value={job.priority}
          onChange={(priority) => setJob({ priority })}
        />
      </div>
      {event !== undefined && <UsedLately event={event} onTake={setLimits} />}
      <RecordField
        legend="Labels that the runner must have"
        keyPlaceholder="label"
        value={(job.required_labels ?? {}) as Record<string, string>}
        onChange={(labels) => setJob({ required_labels: Object.keys(labels).length === 0 ? undefined : labels })}
        error={errorOf('job.required_labels')}
      />
    </Fold>
  )
}

/** Where a script in this language goes that names no executor. */
function useRoute(kind: EventKind): string | undefined {
  const events = useQuery(imagesQuery).data?.events
  const route = events?.find(({ language }) => language === kind)
  if (!route) return undefined
  const where = route.executor === 'container' ? `Now: in a container of ${route.image ?? '…'}` : 'Now: in a sandbox'
  return `${where}; ${route.why}.`
}

/** Who is told of incidents. */
export function IncidentSettings() {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const channels = useQuery(channelsQuery)
  const chosen = definition.incident_channels ?? []
  return (
    <Fold title="Incidents" open={hasErrors('incident_channels')}>
      <p className="text-sm text-muted">
        When it keeps failing, an incident opens. None chosen: told as the installation is set.
      </p>
      {errorOf('incident_channels') && <p className="text-sm text-failed">{errorOf('incident_channels')}</p>}
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        {[...new Set([...(channels.data ?? []).map(({ name }) => name), ...chosen])].map((name) => (
          <CheckField
            key={name}
            label={name}
            value={chosen.includes(name)}
            onChange={(on) => set({ incident_channels: on ? [...chosen, name] : chosen.filter((one) => one !== name) })}
          />
        ))}
        {channels.data?.length === 0 && <span className="text-sm text-muted">There is no channel yet.</span>}
      </div>
    </Fold>
  )
}
