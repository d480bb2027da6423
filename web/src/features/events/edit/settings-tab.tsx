import { useState } from 'react'
import { Card } from '../../../components/card.tsx'
import { Field, Input, TextArea } from '../../../components/field.tsx'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import { isScript } from '../words.ts'
import type { Draft } from './draft.ts'
import { useEditor } from './editor-context.ts'
import { CheckField, RecordField } from '../../../components/value-fields.tsx'
import { JsonField } from './fields.tsx'
import { RunLimits, TimeAndTries } from './limit-settings.tsx'
import { IncidentSettings, PlaceSettings } from './place-settings.tsx'
import { SecretsField } from './secrets-field.tsx'

interface SettingsTabProps {
  /** Of one that is saved. */
  event: string | undefined
  draft: Draft
  onDraft: (change: Partial<Draft>) => void
}

/** What it is called, what it gets, and how it is run. */
export function SettingsTab({ event, draft, onDraft }: SettingsTabProps) {
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
        {runs && <SecretsField />}
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
      {definition.kind !== 'pipeline' && <TimeAndTries />}
      <RunLimits />
      {isScript(definition.kind) && <PlaceSettings event={event} />}
      <IncidentSettings />
    </div>
  )
}

function TagsField({
  value,
  onChange,
  error,
}: {
  value: string[]
  onChange: (tags: string[]) => void
  error?: string
}) {
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
