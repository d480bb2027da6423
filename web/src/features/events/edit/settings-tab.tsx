import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Field, Input, TextArea } from '../../../components/field.tsx'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import { Fold } from '../../jobs/submit/fold.tsx'
import { channelsQuery } from '../../channels/queries.ts'
import { queuesQuery } from '../../jobs/queries.ts'
import { secretNamesQuery } from '../queries.ts'
import { isScript } from '../words.ts'
import type { Draft } from './draft.ts'
import { useEditor } from './editor-context.ts'
import { CheckField, ChoiceField, JsonField, NumberField, RecordField } from './fields.tsx'

interface SettingsTabProps {
  draft: Draft
  onDraft: (change: Partial<Draft>) => void
}

/** What it is called, what it gets, and how it is run. */
export function SettingsTab({ draft, onDraft }: SettingsTabProps) {
  const { definition, set, errorOf } = useEditor()
  const runs = isScript(definition.kind) || definition.kind === 'http'
  return (
    <div className="flex flex-col gap-4">
      <Card title="About">
        <Field label="Description" optional error={errorOf('description')}>
          {(binding) => (
            <TextArea
              {...binding}
              rows={2}
              className="field-sizing-content"
              value={definition.description ?? ''}
              onChange={(event) => set({ description: event.target.value || undefined })}
            />
          )}
        </Field>
        <TagsField value={draft.tags} onChange={(tags) => onDraft({ tags })} error={errorOf('tags')} />
        <CheckField
          label="Shared: everybody may see it, operators may run it in the owner's name"
          value={draft.shared}
          onChange={(shared) => onDraft({ shared })}
        />
      </Card>
      <Card title="What it gets">
        <JsonField
          label="Input"
          hint="For a run that is given none"
          error={errorOf('input')}
          value={definition.input}
          onChange={(input) => set({ input: input as EventDefinitionInput['input'] })}
        />
        {runs && <Secrets />}
        {isScript(definition.kind) && (
          <RecordField
            legend="Environment"
            hint="Values that are no secret"
            value={(definition.env ?? {}) as Record<string, string>}
            onChange={(env) => set({ env })}
            error={errorOf('env')}
          />
        )}
      </Card>
      {definition.kind !== 'pipeline' && <Tries />}
      <Limits />
      {isScript(definition.kind) && <Place />}
      <Incidents />
    </div>
  )
}

function TagsField({ value, onChange, error }: { value: string[]; onChange: (tags: string[]) => void; error?: string }) {
  const [text, setText] = useState(value.join(', '))
  return (
    <Field label="Tags" optional error={error} hint="With commas, e.g. billing, nightly">
      {(binding) => (
        <Input
          {...binding}
          autoComplete="off"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            onChange([
              ...new Set(
                event.target.value
                  .toLowerCase()
                  .split(/[\s,]+/)
                  .filter((tag) => tag !== ''),
              ),
            ])
          }}
        />
      )}
    </Field>
  )
}

/** Which secrets it may have, and under which names. */
function Secrets() {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const known = useQuery(secretNamesQuery)
  const secrets = definition.secrets ?? {}
  const rows = Object.entries(secrets)
  const [adding, setAdding] = useState('')
  const free = (known.data ?? []).filter(({ name }) => !Object.values(secrets).includes(name))
  const envName = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')
  const change = (next: [string, string][]) => set({ secrets: Object.fromEntries(next) })
  const add = (name: string) => {
    if (name !== '') change([...rows, [envName(name), name]])
    setAdding('')
  }
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">Secrets</legend>
      {rows.map(([env, secret], index) => (
        <div key={index} className="flex items-center gap-1.5">
          <Input
            aria-label={`Environment name of ${secret}`}
            wide={false}
            className="w-2/5 font-mono"
            spellCheck={false}
            autoComplete="off"
            aria-invalid={hasErrors(`secrets.${env}`) || undefined}
            value={env}
            onChange={(event) => change(rows.with(index, [event.target.value, secret]))}
          />
          <span className="min-w-0 flex-1 truncate text-sm text-muted">
            is the secret <code className="font-mono text-text">{secret}</code>
          </span>
          <IconButton label={`Remove the secret ${secret}`} onClick={() => change(rows.filter((_, i) => i !== index))}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      ))}
      {errorOf('secrets') && <p className="text-sm text-failed">{errorOf('secrets')}</p>}
      <div className="flex flex-wrap items-center gap-2">
        <Input
          aria-label="Add a secret"
          wide={false}
          small
          list="secret-names"
          className="w-56 font-mono"
          autoComplete="off"
          placeholder="Name of a secret"
          value={adding}
          onChange={(event) => {
            const name = event.target.value
            // Chosen from the list: there is nothing more to say.
            if (free.some((one) => one.name === name)) add(name)
            else setAdding(name)
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            add(adding.trim())
          }}
        />
        <datalist id="secret-names">
          {free.map(({ name, scope }) => (
            <option key={`${scope} ${name}`} value={name}>
              {scope === 'global' ? 'global' : 'own'}
            </option>
          ))}
        </datalist>
        <Button size="small" disabled={adding.trim() === ''} onClick={() => add(adding.trim())}>
          Add
        </Button>
        <p className="text-xs text-muted">Handed over sealed, masked in the log. Only names stand in the event.</p>
      </div>
    </fieldset>
  )
}

const classes = ['exit', 'signal', 'timeout', 'oom', 'start', 'lost', 'infrastructure'] as const

/** How long, how often, and after which errors. */
function Tries() {
  const { definition, set, errorOf } = useEditor()
  const { timeouts = {}, retry, max_attempts = 1 } = definition
  const setTimeouts = (change: Partial<typeof timeouts>) => set({ timeouts: { ...timeouts, ...change } })
  const setRetry = (change: Partial<NonNullable<typeof retry>>) => set({ retry: { ...retry, ...change } })
  const tries = Number(max_attempts) > 1
  return (
    <Card title="Time and tries">
      <div className="grid gap-4 sm:grid-cols-3">
        <NumberField
          label="To run, seconds"
          optional
          placeholder="as the server is set"
          error={errorOf('timeouts.run_seconds')}
          value={timeouts.run_seconds}
          onChange={(run_seconds) => setTimeouts({ run_seconds })}
        />
        <NumberField
          label="To set up, seconds"
          placeholder="300"
          error={errorOf('timeouts.setup_seconds')}
          value={timeouts.setup_seconds}
          onChange={(setup_seconds) => setTimeouts({ setup_seconds })}
        />
        <NumberField
          label="To clean up, seconds"
          placeholder="60"
          error={errorOf('timeouts.cleanup_seconds')}
          value={timeouts.cleanup_seconds}
          onChange={(cleanup_seconds) => setTimeouts({ cleanup_seconds })}
        />
        <NumberField
          label="Tries, the first included"
          placeholder="1"
          error={errorOf('max_attempts')}
          value={definition.max_attempts}
          onChange={(next) => set({ max_attempts: next })}
        />
        {tries && (
          <>
            <NumberField
              label="Again after, seconds"
              placeholder="10"
              error={errorOf('retry.backoff_seconds')}
              value={retry?.backoff_seconds}
              onChange={(backoff_seconds) => setRetry({ backoff_seconds })}
            />
            <NumberField
              label="Then so many times longer"
              placeholder="2"
              error={errorOf('retry.factor')}
              value={retry?.factor}
              onChange={(factor) => setRetry({ factor })}
            />
          </>
        )}
      </div>
      {tries && (
        <div role="group" aria-label="Tried again after" className="flex flex-wrap items-center gap-x-5 gap-y-2">
          <span className="text-sm text-muted">Tried again after</span>
          {classes.map((one) => (
            <CheckField
              key={one}
              label={one}
              value={retry?.on?.includes(one) ?? false}
              onChange={(on) =>
                setRetry({ on: classes.filter((name) => (name === one ? on : (retry?.on ?? []).includes(name))) })
              }
            />
          ))}
          {retry?.on === undefined && <span className="text-xs text-muted">none chosen: as the server is set</span>}
        </div>
      )}
    </Card>
  )
}

const fulls = { wait: 'Waits for a place', skip: 'Is left out' }

/** How many runs, and from when to when. */
function Limits() {
  const { definition, set, errorOf, hasErrors } = useEditor()
  const fields = ['max_running', 'max_executions', 'starts_at', 'ends_at', 'when_full']
  return (
    <Fold title="How many runs, and from when to when" open={fields.some(hasErrors)}>
      <div className="grid gap-4 sm:grid-cols-2">
        <NumberField
          label="Runs at once"
          optional
          placeholder="any number"
          error={errorOf('max_running')}
          value={definition.max_running ?? undefined}
          onChange={(max_running) => set({ max_running })}
        />
        <ChoiceField
          label="A further one"
          options={fulls}
          value={definition.when_full ?? 'wait'}
          onChange={(when_full) => set({ when_full })}
        />
        <NumberField
          label="Paused after so many runs"
          optional
          placeholder="never"
          hint="Tests and redrives do not count"
          error={errorOf('max_executions')}
          value={definition.max_executions ?? undefined}
          onChange={(max_executions) => set({ max_executions })}
        />
        <CheckField
          className="sm:mt-6"
          label="Counts anew when it is activated"
          value={definition.reset_executions_on_activation ?? false}
          onChange={(on) => set({ reset_executions_on_activation: on || undefined })}
        />
        <InstantField
          label="No trigger starts it before"
          error={errorOf('starts_at')}
          value={definition.starts_at ?? undefined}
          onChange={(starts_at) => set({ starts_at })}
        />
        <InstantField
          label="Nor after"
          error={errorOf('ends_at')}
          value={definition.ends_at ?? undefined}
          onChange={(ends_at) => set({ ends_at })}
        />
      </div>
    </Fold>
  )
}

interface InstantFieldProps {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
  error?: string
}

/** In the reader's own time; kept with its offset. */
function InstantField({ label, value, onChange, error }: InstantFieldProps) {
  const local = value === undefined ? '' : localText(new Date(value))
  return (
    <Field label={label} optional error={error}>
      {(binding) => (
        <Input
          {...binding}
          type="datetime-local"
          value={local}
          onChange={(event) =>
            onChange(event.target.value === '' ? undefined : new Date(event.target.value).toISOString())
          }
        />
      )}
    </Field>
  )
}

const localText = (date: Date): string =>
  Number.isNaN(date.getTime())
    ? ''
    : new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

const networks = { '': 'As the server is set', none: 'None', host: "The host's" }

/** Where it runs, and with how much. */
function Place() {
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
function Incidents() {
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
            onChange={(on) =>
              set({ incident_channels: on ? [...chosen, name] : chosen.filter((one) => one !== name) })
            }
          />
        ))}
        {channels.data?.length === 0 && <span className="text-sm text-muted">There is no channel yet.</span>}
      </div>
    </Fold>
  )
}
