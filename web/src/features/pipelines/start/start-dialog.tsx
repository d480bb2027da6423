import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useRef, useState, type FormEvent } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button } from '../../../components/button.tsx'
import { Dialog, DialogFooter } from '../../../components/dialog.tsx'
import { Field, Input } from '../../../components/field.tsx'
import type { KeyValue } from '../../../components/key-values.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type Pipeline } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { errorsByVariable, freeVariables, typedOf, variablesOf } from './start-form.ts'
import { VariableFields } from './variable-fields.tsx'

/** Asks for the variables of a run and starts it. A file of its own: most who look at pipelines start none. */
export default function StartDialog({ pipeline, onClose }: { pipeline: Pipeline; onClose: () => void }) {
  const { parameters } = pipeline
  const declared = Object.entries(parameters)
  const [typed, setTyped] = useState(() => typedOf(parameters))
  const [rows, setRows] = useState<KeyValue[]>([])
  const [json, setJson] = useState(false)
  const [partition, setPartition] = useState('')
  const [errors, setErrors] = useState<Record<string, string>>({})
  const element = useRef<HTMLFormElement>(null)
  // One key for one filled form: sent twice after a broken connection, it is still one run.
  const key = useRef(crypto.randomUUID())
  const start = useStart(pipeline.name, key.current, (found) => fail(found))
  const navigate = useNavigate()
  const fail = (found: Record<string, string>) => {
    setErrors(found)
    key.current = crypto.randomUUID()
    requestAnimationFrame(() => element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus())
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (start.isPending) return
    const free = freeVariables(rows, json)
    const { variables, errors: found } = declared.length > 0 ? variablesOf(parameters, typed) : { ...free, errors: {} }
    const wrong = declared.length === 0 && free.error ? { free: free.error } : found
    if (Object.keys(wrong).length > 0) {
      fail(wrong)
      return
    }
    setErrors({})
    start.mutate(
      { variables, queue_partition: partition.trim() || undefined },
      {
        // Not when one has left the page meanwhile.
        onSuccess: (run) => {
          onClose()
          void navigate({ to: '/runs/$id', params: { id: run.id } })
        },
      },
    )
  }
  const problem = start.isError ? problemOf(start.error) : undefined
  const known = new Set([...declared.map(([name]) => name), 'queue_partition', 'free'])
  const strays = Object.entries(errors).filter(([name]) => !known.has(name))
  const message = [
    ...strays.map(([name, text]) => (name === 'other' ? text : `${name} ${text}`)),
    problem?.fields.length === 0 && problem.message,
  ].filter(Boolean)
  return (
    <Dialog
      open
      // What is being sent is not called back by closing; one would come to its run from wherever one is then.
      onOpenChange={(open) => !open && !start.isPending && onClose()}
      title={`Start ${visibleText(pipeline.name)}`}
      description={pipeline.description ? visibleText(pipeline.description) : undefined}
    >
      <form
        ref={element}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={submit}
        // Browsers close a dialog on the second Escape, whatever its page says.
        onKeyDown={(event) => start.isPending && event.key === 'Escape' && event.preventDefault()}
      >
        {message.length > 0 && <Alert>{message.join('; ')}</Alert>}
        <VariableFields
          parameters={parameters}
          typed={typed}
          onTyped={(name, value) => {
            setTyped((old) => ({ ...old, [name]: value }))
            setErrors(({ [name]: _corrected, ...others }) => others)
          }}
          rows={rows}
          onRows={setRows}
          json={json}
          onJson={setJson}
          hint="In a script: {{ .name }}"
          errors={errors}
        />
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
        <DialogFooter>
          <Button disabled={start.isPending} onClick={onClose}>
            Cancel
          </Button>
          <Button
            kind="primary"
            type="submit"
            data-autofocus={declared.length === 0 || undefined}
            busy={start.isPending}
          >
            <Play aria-hidden className="size-4" /> {start.isPending ? 'Starting…' : 'Start'}
          </Button>
        </DialogFooter>
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

function useStart(name: string, idempotencyKey: string, fail: (found: Record<string, string>) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ variables, queue_partition }: StartInput) =>
      api.pipelines.start(
        { name, variables: variables as Parameters<typeof api.pipelines.start>[0]['variables'], queue_partition },
        { context: { idempotencyKey } },
      ),
    onSuccess: (run) => {
      toast('success', run.status === 'waiting' ? 'The run waits for its turn' : 'The run has started')
      void client.invalidateQueries({ queryKey: ['pipeline-runs'] })
      void client.invalidateQueries({ queryKey: ['pipelines'] })
    },
    onError: (error) => fail(errorsByVariable(problemOf(error).fields)),
  })
}
