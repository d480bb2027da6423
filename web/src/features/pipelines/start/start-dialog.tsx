import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useRef, useState, type FormEvent } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button } from '../../../components/button.tsx'
import { Checkbox } from '../../../components/checkbox.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Field, Input } from '../../../components/field.tsx'
import { KeyValues, type KeyValue } from '../../../components/key-values.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type Pipeline } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { ParameterField } from './parameter-field.tsx'
import { defaultsOf, errorsByVariable, freeVariables, variablesOf } from './start-form.ts'

/** Asks for the variables of a run and starts it. A file of its own: most who look at pipelines start none. */
export default function StartDialog({ pipeline, onClose }: { pipeline: Pipeline; onClose: () => void }) {
  const { parameters } = pipeline
  const declared = Object.entries(parameters)
  const [typed, setTyped] = useState(() => defaultsOf(parameters))
  const [rows, setRows] = useState<KeyValue[]>([])
  const [json, setJson] = useState(false)
  const [partition, setPartition] = useState('')
  const [errors, setErrors] = useState<Record<string, string>>({})
  const element = useRef<HTMLFormElement>(null)
  // One key for one filled form: sent twice after a broken connection, it is still one run.
  const key = useRef(crypto.randomUUID())
  const start = useStart(pipeline.name, key.current, (found) => fail(found), onClose)
  const fail = (found: Record<string, string>) => {
    setErrors(found)
    key.current = crypto.randomUUID()
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus())
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const free = freeVariables(rows, json)
    const { variables, errors: found } = declared.length > 0 ? variablesOf(parameters, typed) : { ...free, errors: {} }
    if (declared.length === 0 && free.error) return fail({ free: free.error })
    if (Object.keys(found).length > 0) return fail(found)
    setErrors({})
    start.mutate({ variables, queue_partition: partition.trim() || undefined })
  }
  const known = new Set([...declared.map(([name]) => name), 'queue_partition', 'free'])
  const strays = Object.entries(errors).filter(([name]) => !known.has(name))
  const message = [
    ...strays.map(([name, text]) => (name === 'other' ? text : `${name} ${text}`)),
    start.isError && Object.keys(errors).length === 0 && problemOf(start.error).message,
  ].filter(Boolean)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Start ${visibleText(pipeline.name)}`}
      description={pipeline.description ? visibleText(pipeline.description) : undefined}
    >
      <form ref={element} noValidate className="flex flex-col gap-4" onSubmit={submit}>
        {message.length > 0 && <Alert>{message.join('; ')}</Alert>}
        {declared.map(([name, shape]) => (
          <ParameterField
            key={name}
            name={name}
            shape={shape}
            value={typed[name] ?? ''}
            error={errors[name]}
            onChange={(value) => setTyped((old) => ({ ...old, [name]: value }))}
          />
        ))}
        {declared.length === 0 && (
          <div className="flex flex-col gap-2">
            <KeyValues
              legend="Variables"
              keyPlaceholder="name"
              hint="In a script: {{ .name }}"
              rows={rows}
              onChange={setRows}
              error={errors['free']}
            />
            {rows.length > 0 && (
              <label className="flex items-center gap-2 text-sm">
                <Checkbox checked={json} onChange={(event) => setJson(event.target.checked)} />
                The values are JSON: 3, true, ["a", "b"]
              </label>
            )}
          </div>
        )}
        {pipeline.queue_strategy === 'partitioned_replace' && (
          <Field
            label="Queue partition"
            optional
            error={errors['queue_partition']}
            hint="Of those that wait in the same one, the newest replaces the last"
          >
            {(binding) => (
              <Input {...binding} value={partition} onChange={(event) => setPartition(event.target.value)} />
            )}
          </Field>
        )}
        <Outlook pipeline={pipeline} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Not now</Button>
          <Button
            kind="primary"
            type="submit"
            data-autofocus={declared.length === 0 || undefined}
            busy={start.isPending}
          >
            <Play aria-hidden className="size-4" /> {start.isPending ? 'Starting…' : 'Start'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Whether it will begin at once. */
function Outlook({ pipeline: { running, waiting, concurrency } }: { pipeline: Pipeline }) {
  if (running < concurrency && waiting === 0) return null
  const before = waiting === 0 ? '' : `, and ${waiting} ${waiting === 1 ? 'waits' : 'wait'} before this one`
  return (
    <p className="text-sm text-muted">
      {running} of at most {concurrency} {concurrency === 1 ? 'run' : 'runs'} at a time {running === 1 ? 'goes' : 'go'}{' '}
      on
      {before}: it will wait for its turn.
    </p>
  )
}

interface StartInput {
  variables: Record<string, unknown>
  queue_partition: string | undefined
}

function useStart(
  name: string,
  idempotencyKey: string,
  fail: (found: Record<string, string>) => void,
  done: () => void,
) {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: ({ variables, queue_partition }: StartInput) =>
      api.pipelines.start(
        { name, variables: variables as Parameters<typeof api.pipelines.start>[0]['variables'], queue_partition },
        { context: { idempotencyKey } },
      ),
    onSuccess: async (run) => {
      toast('success', run.status === 'waiting' ? 'The run waits for its turn' : 'The run has started')
      void client.invalidateQueries({ queryKey: ['pipeline-runs'] })
      void client.invalidateQueries({ queryKey: ['pipelines'] })
      done()
      await navigate({ to: '/runs/$id', params: { id: run.id } })
    },
    onError: (error) => fail(errorsByVariable(problemOf(error).fields)),
  })
}
