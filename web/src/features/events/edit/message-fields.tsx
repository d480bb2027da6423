import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '../../../components/button.tsx'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import { channelsQuery } from '../../channels/queries.ts'
import type { JsonSchema } from '../../editor/schema.ts'
import { templatesQuery, toolsQuery } from '../queries.ts'
import { useEditor } from './editor-context.ts'
import { ChoiceField } from '../../../components/value-fields.tsx'
import { JsonField } from './fields.tsx'
import { MessagePreview } from './message-preview.tsx'
import { SchemaForm } from './schema-form.tsx'

export type MessageInput = NonNullable<EventDefinitionInput['message']>

interface MessageFieldsProps {
  value: MessageInput
  onChange: (value: MessageInput) => void
  at: string
}

/** Which channel, what it does, and with what: the fields are those of the channel's tool. */
export function MessageFields({ value, onChange, at }: MessageFieldsProps) {
  const { errorOf } = useEditor()
  const channels = useQuery(channelsQuery)
  const tools = useQuery(toolsQuery)
  const templates = useQuery(templatesQuery)
  const [previewed, setPreviewed] = useState(false)
  const set = (change: Partial<MessageInput>) => onChange({ ...value, ...change })
  const channel = channels.data?.find(({ name }) => name === value.channel)
  const tool = tools.data?.find(({ name }) => name === channel?.kind)
  const action = tool?.actions.find(({ name }) => name === (value.action ?? 'send')) ?? tool?.actions[0]
  const template = templates.data?.find(({ name }) => name === value.template)
  const input = (value.input ?? {}) as Record<string, unknown>
  // What an event of its own sends knows no run that went before.
  const ofAction = at !== 'message'
  return (
    <div className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceField
          label="Channel"
          error={errorOf(`${at}.channel`)}
          hint={
            channels.data?.length === 0 ? (
              <>
                There is none yet: an administrator makes one under{' '}
                <Link to="/channels" className="text-accent hover:underline">
                  Channels
                </Link>
                .
              </>
            ) : undefined
          }
          options={{
            '': 'Choose…',
            ...(value.channel && !channel ? { [value.channel]: value.channel } : {}),
            ...Object.fromEntries((channels.data ?? []).map(({ name, kind }) => [name, `${name} (${kind})`])),
          }}
          value={value.channel}
          onChange={(name) => set({ channel: name, action: undefined })}
        />
        {(tool?.actions.length ?? 0) > 1 && (
          <ChoiceField
            label="It does"
            hint={action?.description}
            error={errorOf(`${at}.action`)}
            options={Object.fromEntries(tool!.actions.map(({ name, title }) => [name, title]))}
            value={action?.name ?? 'send'}
            onChange={(name) => set({ action: name })}
          />
        )}
        {(templates.data?.length ?? 0) > 0 && (
          <ChoiceField
            label="Template"
            optional
            error={errorOf(`${at}.template`)}
            hint={template?.description ?? undefined}
            options={{ '': 'None', ...Object.fromEntries(templates.data!.map(({ name }) => [name, name])) }}
            value={value.template ?? ''}
            onChange={(name) => set({ template: name || undefined })}
          />
        )}
      </div>
      {action ? (
        <SchemaForm
          key={`${tool?.name} ${action.name}`}
          schema={action.input as JsonSchema}
          value={input}
          lenient={value.template !== undefined}
          onChange={(next) => set({ input: next as MessageInput['input'] })}
          errorOf={(field) => errorOf(`${at}.input.${field}`)}
        />
      ) : (
        value.channel !== '' &&
        !tools.isPending && (
          <JsonField
            label="Input"
            error={errorOf(`${at}.input`)}
            value={value.input}
            onChange={(next) => set({ input: (next ?? {}) as MessageInput['input'] })}
          />
        )
      )}
      <div className="flex flex-col gap-2">
        <div className="flex flex-wrap items-center gap-3">
          <Button size="small" aria-expanded={previewed} onClick={() => setPreviewed(!previewed)}>
            {previewed ? 'Hide the preview' : 'Preview'}
          </Button>
          <p className="text-xs text-muted">
            Texts are Liquid templates:{' '}
            {(ofAction ? ['output.total', 'outcome.state', 'event.name'] : ['input.total', 'event.name']).map(
              (name, index) => (
                <span key={name}>
                  {index > 0 && ', '}
                  <code className="font-mono">{`{{ ${name} }}`}</code>
                </span>
              ),
            )}
          </p>
        </div>
        {previewed && <MessagePreview input={{ ...template?.input, ...input }} ofAction={ofAction} />}
      </div>
    </div>
  )
}
