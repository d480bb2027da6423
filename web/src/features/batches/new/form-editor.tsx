import { useQuery } from '@tanstack/react-query'
import { Toggle } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Field, Input, Select, TextArea } from '../../../components/field.tsx'
import { KeyValues } from '../../../components/key-values.tsx'
import type { FieldProblem } from '../../../lib/problem.ts'
import { queuesQuery } from '../../jobs/queries.ts'
import { AxesField } from './axes-field.tsx'
import { formField } from './group-problems.ts'
import type { BatchForm } from './batch-form.ts'
import { NotifyField } from './notify-field.tsx'

interface FormEditorProps {
  form: BatchForm
  set: (part: Partial<BatchForm>) => void
  problems: readonly FieldProblem[]
}

export function FormEditor({ form, set, problems }: FormEditorProps) {
  const errorOf = (...fields: string[]) => {
    const found = problems.find(({ field }) => {
      const place = formField(field)
      return fields.some((own) => place === own || place.startsWith(`${own}.`) || place.startsWith(`${own}[`))
    })
    return found?.message
  }
  const queues = useQuery(queuesQuery).data?.map(({ name }) => name) ?? []
  if (form.queue && !queues.includes(form.queue)) queues.push(form.queue)
  return (
    <>
      <Card title="Batch">
        <Field label="Name" error={form.name === '' ? undefined : errorOf('name')}>
          {(binding) => (
            <Input
              {...binding}
              autoFocus
              placeholder="nightly-ui-suite"
              value={form.name}
              onChange={(e) => set({ name: e.target.value })}
            />
          )}
        </Field>
        <Field label="Description" optional error={errorOf('description')}>
          {(binding) => (
            <Input {...binding} value={form.description} onChange={(e) => set({ description: e.target.value })} />
          )}
        </Field>
      </Card>
      <Card title="Jobs">
        <div role="group" aria-label="How the jobs are given" className="flex flex-wrap gap-1">
          <Toggle pressed={form.kind === 'matrix'} onClick={() => set({ kind: 'matrix' })}>
            One command, many values
          </Toggle>
          <Toggle pressed={form.kind === 'list'} onClick={() => set({ kind: 'list' })}>
            A list of commands
          </Toggle>
        </div>
        {form.kind === 'matrix' ? (
          <MatrixFields form={form} set={set} errorOf={errorOf} />
        ) : (
          <ListField form={form} set={set} error={form.lines.trim() === '' ? errorOf('jobs') : undefined} />
        )}
      </Card>
      <Card title="For every job">
        <div className="grid gap-4 sm:grid-cols-3">
          <Field label="Queue" error={errorOf('defaults.queue', 'job.queue')}>
            {(binding) => (
              <Select {...binding} value={form.queue} onChange={(e) => set({ queue: e.target.value })}>
                <option value="">the default</option>
                {queues.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            )}
          </Field>
          <Field
            label="Time limit, seconds"
            optional
            error={errorOf('defaults.timeout_seconds', 'job.timeout_seconds')}
          >
            {(binding) => (
              <Input
                {...binding}
                inputMode="decimal"
                placeholder="the server's"
                value={form.timeout_seconds}
                onChange={(e) => set({ timeout_seconds: e.target.value })}
              />
            )}
          </Field>
          <Field label="Attempts" optional error={errorOf('defaults.max_attempts', 'job.max_attempts')}>
            {(binding) => (
              <Input
                {...binding}
                inputMode="numeric"
                placeholder="1"
                value={form.max_attempts}
                onChange={(e) => set({ max_attempts: e.target.value })}
              />
            )}
          </Field>
        </div>
        <Field
          label="JUnit XML files"
          optional
          error={errorOf('defaults.junit', 'job.junit')}
          hint="A path on each line, * fits anything; their tests are counted"
        >
          {(binding) => (
            <TextArea
              {...binding}
              className="field-sizing-content min-h-9 font-mono"
              placeholder="reports/*.xml"
              value={form.junit}
              onChange={(e) => set({ junit: e.target.value })}
            />
          )}
        </Field>
        <KeyValues
          legend="Variables"
          rows={form.env}
          onChange={(env) => set({ env })}
          error={errorOf('defaults.env', 'job.env')}
          hint="Lines of NAME=value can be pasted"
        />
      </Card>
      <Card title="When it ends">
        <NotifyField notify={form.notify} onChange={(notify) => set({ notify })} error={errorOf('notify')} />
      </Card>
    </>
  )
}

type Part = Pick<FormEditorProps, 'form' | 'set'>

function MatrixFields({ form, set, errorOf }: Part & { errorOf: (...fields: string[]) => string | undefined }) {
  return (
    <>
      <AxesField axes={form.axes} onChange={(axes) => set({ axes })} error={errorOf('matrix')} />
      <Field
        label="Shell line"
        error={errorOf('job.command')}
        hint={`Run once for each combination; {{matrix.${form.axes[0]?.name || 'axis'}}} is filled in`}
      >
        {(binding) => (
          <TextArea
            {...binding}
            className="field-sizing-content min-h-20 font-mono"
            placeholder="npm test -- --shard={{matrix.shard}}/4"
            value={form.line}
            onChange={(e) => set({ line: e.target.value })}
          />
        )}
      </Field>
      <Field label="Name of each job" optional error={errorOf('job.name')} hint="The shell line when empty">
        {(binding) => (
          <Input
            {...binding}
            className="font-mono"
            placeholder="shard {{matrix.shard}}"
            value={form.jobName}
            onChange={(e) => set({ jobName: e.target.value })}
          />
        )}
      </Field>
    </>
  )
}

function ListField({ form, set, error }: Part & { error: string | undefined }) {
  return (
    <Field label="Shell lines" error={error} hint="Each line is a job; thousands may be pasted">
      {(binding) => (
        <TextArea
          {...binding}
          className="field-sizing-content max-h-[60dvh] min-h-40 font-mono"
          placeholder={'pytest tests/test_1.py\npytest tests/test_2.py'}
          value={form.lines}
          onChange={(e) => set({ lines: e.target.value })}
        />
      )}
    </Field>
  )
}
