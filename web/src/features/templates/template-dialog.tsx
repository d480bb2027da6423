import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type MessageTemplate } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import type { JsonSchema } from '../editor/schema.ts'
import { EditorProvider, type EditorContext } from '../events/edit/editor-context.ts'
import { JsonField } from '../events/edit/fields.tsx'
import { MessagePreview } from '../events/edit/message-preview.tsx'
import { firstSample, namesOf } from '../events/edit/sample.ts'
import { SchemaForm } from '../events/edit/schema-form.tsx'
import { toolsQuery } from '../events/queries.ts'
import { actionFor, actionsOf, joined, othersOf, type Input as Fields } from './template-form.ts'

interface TemplateDialogProps {
  /** Null: a new one. */
  template: MessageTemplate | null
  mayChange: boolean
  onClose: () => void
}

/** A template beside what becomes of it. The sample is kept with it, for whoever changes it next. */
export default function TemplateDialog({ template, mayChange, onClose }: TemplateDialogProps) {
  const tools = useQuery(toolsQuery)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={template ? `Template ${template.name}` : 'New template'}
      className="mt-[2vh]! sm:mt-[4vh]! sm:w-[min(64rem,calc(100vw-2rem))] sm:max-h-[92dvh]!"
    >
      {tools.isPending ? (
        <Loading rows={4} label="Loading tools" />
      ) : (
        <Form template={template} tools={tools.data ?? []} mayChange={mayChange} onClose={onClose} />
      )}
    </Dialog>
  )
}

type Tools = Parameters<typeof actionsOf>[0]

const sampleOf = (template: MessageTemplate | null): string => {
  const stored = template?.sample
  const said = typeof stored === 'object' && stored !== null && Object.keys(stored).length > 0
  return JSON.stringify(said ? stored : firstSample, null, 2)
}

function Form({ template, tools, mayChange, onClose }: TemplateDialogProps & { tools: Tools }) {
  const actions = useMemo(() => actionsOf(tools), [tools])
  const [name, setName] = useState(template?.name ?? '')
  const [description, setDescription] = useState(template?.description ?? '')
  const [input, setInput] = useState<Fields>(template?.input ?? {})
  const [key, setKey] = useState(() => actionFor(actions, input)?.key)
  const [sample, setSample] = useState(() => sampleOf(template))
  const [unreadable, setUnreadable] = useState<ReadonlySet<string>>(new Set())
  const action = actions.find((one) => one.key === key)
  const others = othersOf(input, action)
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () =>
      api.messageTemplates.put({
        ...{ name: name.trim(), description: description.trim() || null, input: input as MessageTemplate['input'] },
        sample: (namesOf(sample) ?? {}) as MessageTemplate['sample'],
      }),
    onSuccess: (saved) => {
      toast('success', `Template ${saved.name} is ${template ? 'changed' : 'made'}`)
      void client.invalidateQueries({ queryKey: ['message-templates'] })
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((one) => one.field === field)?.message
  const markUnreadable = useCallback((id: string, wrong: boolean) => {
    setUnreadable((old) => {
      if (old.has(id) === wrong) return old
      const next = new Set(old)
      if (wrong) next.add(id)
      else next.delete(id)
      return next
    })
  }, [])
  // The fields and the preview are those of the editor of events, which ask for these.
  const context: EditorContext = {
    definition: {} as EditorContext['definition'],
    set: () => undefined,
    errorOf,
    hasErrors: () => false,
    markUnreadable,
    sample,
    setSample,
  }
  const blocked = unreadable.size > 0 || name.trim() === ''
  // One of another's is shown, and can be taken as a beginning under another name.
  const readOnlyName = template !== null && mayChange
  return (
    <EditorProvider value={context}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (!blocked) save.mutate()
        }}
      >
        <div className="grid gap-x-6 gap-y-4 pb-4 lg:grid-cols-2">
          <div className="flex min-w-0 flex-col gap-4">
            {problem && <Alert>{problem.message}</Alert>}
            {!mayChange && (
              <Alert kind="note">It is {template?.owner}’s. Saved under another name, it is a new one of yours.</Alert>
            )}
            <div className="grid gap-4 sm:grid-cols-2">
              <Field label="Name" error={errorOf('name')} hint="Lower case, e.g. ended">
                {(binding) => (
                  <Input
                    {...binding}
                    readOnly={readOnlyName}
                    autoComplete="off"
                    value={name}
                    onChange={(event) => setName(event.target.value)}
                  />
                )}
              </Field>
              <Field label="Fields of" hint="Subject and text serve most of them">
                {(binding) => (
                  <Select {...binding} value={key} onChange={(event) => setKey(event.target.value)}>
                    {actions.map((one) => (
                      <option key={one.key} value={one.key}>
                        {one.label}
                      </option>
                    ))}
                  </Select>
                )}
              </Field>
            </div>
            <Field label="Description" optional error={errorOf('description')}>
              {(binding) => (
                <Input {...binding} value={description} onChange={(event) => setDescription(event.target.value)} />
              )}
            </Field>
            {action && (
              <SchemaForm
                key={action.key}
                schema={action.schema as JsonSchema}
                value={input}
                lenient
                onChange={(own) => setInput(joined(own, others, action))}
                errorOf={(field) => errorOf(`input.${field}`)}
              />
            )}
            {Object.keys(others).length > 0 && (
              <JsonField
                label="Fields of other channels"
                hint="This kind of channel refuses a message that has them."
                value={others}
                onChange={(value) => setInput(joined(input, asFields(value), action))}
              />
            )}
          </div>
          <section aria-label="Preview" className="flex min-w-0 flex-col gap-2">
            <h3 className="text-sm font-semibold text-muted">Preview</h3>
            <MessagePreview input={input} />
            <p className="text-xs text-muted">
              Texts are Liquid templates over the names of the sample, e.g.{' '}
              <code className="font-mono">{'{{ output.total | default: 0 }}'}</code>. Nothing is sent.
            </p>
          </section>
        </div>
        <DialogFooter>
          <Button onClick={onClose}>{template ? 'Leave as it is' : 'Discard'}</Button>
          <Button kind="primary" type="submit" busy={blocked || save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </Button>
        </DialogFooter>
      </form>
    </EditorProvider>
  )
}

const asFields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
