import { useQuery, useInfiniteQuery } from '@tanstack/react-query'
import type { Action, Effect } from '../../../../lib/api.ts'
import { pipelineListQuery } from '../../../pipelines/queries.ts'
import { effectKind, effectLabels, onLabels, type LooseAction } from '../../describe.ts'
import { eventNamesQuery } from '../../queries.ts'
import { ConditionField } from '../condition-field.tsx'
import { useEditor } from '../editor-context.ts'
import { CheckField, ChoiceField, NumberField, TextField } from '../../../../components/value-fields.tsx'
import { JsonField } from '../fields.tsx'
import { HttpFields, type HttpInput } from '../http-fields.tsx'
import { MessageFields, type MessageInput } from '../message-fields.tsx'
import { freshEffect } from './fresh-effect.ts'

interface ActionFieldsProps {
  action: LooseAction
  at: string
  onChange: (change: Partial<LooseAction>) => void
}

/** When it fires, how often, and what it does. */
export function ActionFields({ action, at, onChange }: ActionFieldsProps) {
  const { errorOf } = useEditor()
  const error = (field: string) => errorOf(`${at}.${field}`)
  const { repeat } = action
  const kind = effectKind(action.do)
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField label="Name" error={error('name')} value={action.name} onChange={(name) => onChange({ name })} />
        <ChoiceField
          label="Fires"
          options={onLabels}
          error={error('on')}
          value={action.on ?? 'success'}
          onChange={(on: Action['on']) => onChange({ on })}
        />
        <NumberField
          label="After, seconds"
          optional
          placeholder="at once"
          error={error('delay_seconds')}
          value={action.delay_seconds === 0 ? undefined : action.delay_seconds}
          onChange={(delay_seconds) => onChange({ delay_seconds })}
        />
      </div>
      <ConditionField
        label="And only if"
        placeholder="output.total > 10 && outcome.attempts == 1"
        error={error('if')}
        value={action.if}
        onChange={(text) => onChange({ if: text })}
      />
      <div className="flex flex-col gap-3">
        <CheckField
          label="More than once"
          value={repeat !== undefined}
          onChange={(on) => onChange({ repeat: on ? { times: 3, every_seconds: 60 } : undefined })}
        />
        {repeat && (
          <div className="grid gap-4 sm:grid-cols-2">
            <NumberField
              label="Times in all, at most"
              error={error('repeat.times')}
              value={repeat.times}
              onChange={(times) => onChange({ repeat: { ...repeat, times: times as number } })}
            />
            <NumberField
              label="Every, seconds"
              error={error('repeat.every_seconds')}
              value={repeat.every_seconds}
              onChange={(every_seconds) => onChange({ repeat: { ...repeat, every_seconds: every_seconds as number } })}
            />
            <div className="sm:col-span-2">
              <ConditionField
                label="Until"
                placeholder="outcome.success"
                error={error('repeat.until')}
                value={repeat.until}
                onChange={(until) => onChange({ repeat: { ...repeat, until } })}
              />
            </div>
          </div>
        )}
      </div>
      <div className="border-t border-line pt-4">
        <ChoiceField
          label="It does this"
          className="mb-4 sm:w-64"
          options={effectLabels}
          value={kind}
          onChange={(next: keyof Effect) => onChange({ do: freshEffect(next) })}
        />
        <EffectFields
          key={kind}
          kind={kind}
          value={action.do[kind]}
          at={`${at}.do.${kind}`}
          onChange={(body) => onChange({ do: { [kind]: body } })}
        />
      </div>
      <CheckField
        label="On"
        value={action.enabled ?? true}
        onChange={(enabled) => onChange({ enabled: enabled ? undefined : false })}
      />
    </>
  )
}

interface EffectFieldsProps {
  kind: keyof Effect
  value: unknown
  at: string
  onChange: (value: unknown) => void
}

function EffectFields({ kind, value, at, onChange }: EffectFieldsProps) {
  switch (kind) {
    case 'message':
      return <MessageFields value={value as MessageInput} at={at} onChange={onChange} />
    case 'webhook':
      return <HttpFields templated value={value as HttpInput} at={at} onChange={onChange} />
    case 'event':
      return <EventTarget value={value as { event: string; input?: unknown }} at={at} onChange={onChange} />
    case 'pipeline':
      return <PipelineFields value={value as PipelineInput} at={at} onChange={onChange} />
    case 'set_variable':
      return <VariableFields value={value as VariableInput} at={at} onChange={onChange} />
    case 'rerun':
      return (
        <p className="text-sm text-muted">
          The same event with the same input, once more. With “more than once” and “until” above it is a retry of its
          own.
        </p>
      )
  }
}

interface BodyProps<T> {
  value: T
  at: string
  onChange: (value: T) => void
}

function EventTarget({ value, at, onChange }: BodyProps<{ event: string; input?: unknown }>) {
  const { errorOf } = useEditor()
  const events = useQuery(eventNamesQuery)
  const known = (events.data ?? []).filter(({ status }) => status !== 'archived').map(({ name }) => name)
  return (
    <div className="flex flex-col gap-4">
      <ChoiceField
        label="Event"
        className="sm:w-96"
        error={errorOf(`${at}.event`)}
        options={{
          '': 'Choose…',
          ...Object.fromEntries([...known, ...(value.event ? [value.event] : [])].map((name) => [name, name])),
        }}
        value={value.event}
        onChange={(event) => onChange({ ...value, event })}
      />
      <JsonField
        label="Input"
        hint="Left empty, it gets this run's output, whatever its type and size."
        placeholder={'{"customer": "{{ output.id }}"}'}
        error={errorOf(`${at}.input`)}
        value={value.input}
        onChange={(input) => onChange({ ...value, input })}
      />
    </div>
  )
}

export interface PipelineInput {
  name: string
  variables?: Record<string, unknown>
}

export function PipelineFields({ value, at, onChange }: BodyProps<PipelineInput>) {
  const { errorOf } = useEditor()
  const list = useInfiniteQuery(pipelineListQuery({}))
  const names = list.data?.pages.flatMap(({ pipelines }) => pipelines.map(({ name }) => name)) ?? []
  return (
    <div className="flex flex-col gap-4">
      <ChoiceField
        label="Pipeline"
        className="sm:w-96"
        error={errorOf(`${at}.name`)}
        options={{
          '': 'Choose…',
          ...Object.fromEntries([...names, ...(value.name ? [value.name] : [])].map((name) => [name, name])),
        }}
        value={value.name}
        onChange={(name) => onChange({ ...value, name })}
      />
      <JsonField
        label="Variables"
        placeholder={'{"branch": "main"}'}
        error={errorOf(`${at}.variables`)}
        value={value.variables && Object.keys(value.variables).length > 0 ? value.variables : undefined}
        onChange={(variables) => onChange({ ...value, variables: (variables ?? {}) as Record<string, unknown> })}
      />
    </div>
  )
}

interface VariableInput {
  name: string
  scope?: 'user' | 'global'
  operation?: 'set' | 'increment' | 'append' | 'delete'
  value?: unknown
}

const operations = { set: 'Set to', increment: 'Add a number', append: 'Add a text at its end', delete: 'Delete' }
const scopes = { user: "The owner's", global: 'Global (of an administrator)' }

function VariableFields({ value, at, onChange }: BodyProps<VariableInput>) {
  const { errorOf } = useEditor()
  const set = (change: Partial<VariableInput>) => onChange({ ...value, ...change })
  const operation = value.operation ?? 'set'
  return (
    <div className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField
          mono
          label="Variable"
          error={errorOf(`${at}.name`)}
          value={value.name}
          onChange={(name) => set({ name })}
        />
        <ChoiceField
          label="Scope"
          options={scopes}
          value={value.scope ?? 'user'}
          onChange={(scope) => set({ scope })}
        />
        <ChoiceField
          label="Change"
          options={operations}
          value={operation}
          onChange={(next) => set({ operation: next, ...(next === 'delete' ? { value: undefined } : {}) })}
        />
      </div>
      {operation !== 'delete' && (
        <JsonField
          label="Value"
          hint='JSON; texts in it are templates: "{{ output.total }}"'
          error={errorOf(`${at}.value`)}
          value={value.value}
          onChange={(next) => set({ value: next })}
        />
      )}
    </div>
  )
}
