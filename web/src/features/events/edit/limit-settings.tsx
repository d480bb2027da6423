import { Card } from '../../../components/card.tsx'
import { Field, Input } from '../../../components/field.tsx'
import { Fold } from '../../jobs/submit/fold.tsx'
import { useEditor } from './editor-context.ts'
import { CheckField, ChoiceField, NumberField } from '../../../components/value-fields.tsx'

const classes = {
  exit: 'an exit code',
  signal: 'a signal',
  timeout: 'its time was over',
  oom: 'out of memory',
  start: 'it could not start',
  refused: 'it was refused',
  lost: 'its runner was lost',
  infrastructure: "a fault of the runner's",
} as const
type Class = keyof typeof classes
const classNames = Object.keys(classes) as Class[]
/** As the server does when nothing is said. */
const usual: readonly Class[] = ['exit', 'signal', 'timeout', 'oom', 'lost', 'infrastructure']

/** How long, how often, and after which errors. */
export function TimeAndTries() {
  const { definition, set, errorOf } = useEditor()
  const { timeouts = {}, retry, max_attempts = 1 } = definition
  const setTimeouts = (change: Partial<typeof timeouts>) => set({ timeouts: { ...timeouts, ...change } })
  const setRetry = (change: Partial<NonNullable<typeof retry>>) => set({ retry: { ...retry, ...change } })
  const tries = Number(max_attempts) > 1
  const after: readonly Class[] = retry?.on ?? usual
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
              placeholder="1"
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
            <NumberField
              label="Memory after a kill for it, times"
              optional
              placeholder="1: the same"
              error={errorOf('retry.memory_factor')}
              value={retry?.memory_factor}
              onChange={(memory_factor) =>
                setRetry(
                  memory_factor === undefined ? { memory_factor, memory_max_bytes: undefined } : { memory_factor },
                )
              }
            />
            {retry?.memory_factor !== undefined && (
              <NumberField
                label="Memory at most, MiB"
                optional
                placeholder="as the server allows"
                scale={1024 * 1024}
                error={errorOf('retry.memory_max_bytes')}
                value={retry.memory_max_bytes}
                onChange={(memory_max_bytes) => setRetry({ memory_max_bytes })}
              />
            )}
          </>
        )}
      </div>
      {tries && (
        <div role="group" aria-label="Tried again after" className="flex flex-wrap items-center gap-x-5 gap-y-2">
          <span className="text-sm text-muted">Tried again after</span>
          {classNames.map((one) => (
            <CheckField
              key={one}
              label={classes[one]}
              value={after.includes(one)}
              onChange={(on) =>
                setRetry({ on: classNames.filter((name) => (name === one ? on : after.includes(name))) })
              }
            />
          ))}
        </div>
      )}
    </Card>
  )
}

const fulls = { wait: 'Waits for a place', skip: 'Is left out' }

/** How many runs, and from when to when. */
export function RunLimits() {
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
