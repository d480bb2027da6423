import { useQuery } from '@tanstack/react-query'
import { channelsQuery } from '../../channels/queries.ts'
import { queuesQuery } from '../../jobs/queries.ts'
import { Fold } from '../../jobs/submit/fold.tsx'
import { useEditor } from './editor-context.ts'
import { CheckField, ChoiceField, NumberField, RecordField } from './fields.tsx'

const networks = { '': 'As the server is set', none: 'None', host: "The host's" }

/** Where it runs, and with how much. */
export function PlaceSettings() {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const queues = useQuery(queuesQuery)
  const job = definition.job ?? {}
  const limits = job.limits ?? {}
  const setJob = (change: Partial<typeof job>) => set({ job: { ...job, ...change } })
  const setLimits = (change: Partial<typeof limits>) => setJob({ limits: { ...limits, ...change } })
  return (
    <Fold title="Where it runs, and with how much" open={hasErrors('job')}>
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
        <ChoiceField
          label="Network"
          error={errorOf('job.network')}
          options={networks}
          value={job.network ?? ''}
          onChange={(network) => setJob({ network: (network || undefined) as typeof job.network })}
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
