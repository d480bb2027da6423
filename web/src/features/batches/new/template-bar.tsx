import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Save, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button, IconButton } from '../../../components/button.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { Checkbox } from '../../../components/checkbox.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Field, Input, Select } from '../../../components/field.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type BatchTemplate } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { useMe } from '../../session/session.ts'
import type { NewBatch } from './use-new-batch.ts'

const templatesKey = ['batches', 'templates']
const keyOf = ({ owner, name }: Pick<BatchTemplate, 'owner' | 'name'>) => `${owner}/${name}`

/** Begin with a stored batch; keep this one for later. */
export function TemplateBar({ batch }: { batch: NewBatch }) {
  const me = useMe()
  const client = useQueryClient()
  const [loaded, setLoaded] = useState('')
  const [open, setOpen] = useState<'save' | 'delete' | null>(null)
  const templates = useQuery({
    queryKey: templatesKey,
    queryFn: async ({ signal }) => (await api.batchTemplates.list({}, { signal })).templates,
  })
  const all = templates.data ?? []
  const chosen = all.find((template) => keyOf(template) === loaded)
  const mine = chosen !== undefined && (chosen.owner === me?.username || me?.role === 'admin')
  const remove = useMutation({
    mutationFn: ({ name, owner }: BatchTemplate) => api.batchTemplates.delete({ name, owner }),
    onSuccess: () => {
      toast('success', 'Template deleted')
      setLoaded('')
      void client.invalidateQueries({ queryKey: templatesKey })
    },
  })
  const load = (key: string) => {
    setLoaded(key)
    const template = all.find((one) => keyOf(one) === key)
    if (template) void batch.load(template.body)
  }
  return (
    <>
      {all.length > 0 && (
        <Select aria-label="Begin with a template" wide={false} value={loaded} onChange={(e) => load(e.target.value)}>
          <option value="">Begin with a template…</option>
          {all.map((template) => (
            <option key={keyOf(template)} value={keyOf(template)}>
              {template.owner === me?.username ? template.name : keyOf(template)}
              {template.shared ? ' (shared)' : ''}
            </option>
          ))}
        </Select>
      )}
      {mine && (
        <IconButton label="Delete this template" onClick={() => setOpen('delete')}>
          <Trash2 aria-hidden className="size-4" />
        </IconButton>
      )}
      <Button disabled={batch.body === null} onClick={() => setOpen('save')}>
        <Save aria-hidden className="size-4" /> Save as template
      </Button>
      {open === 'save' && (
        <SaveTemplate
          batch={batch}
          old={mine ? chosen : undefined}
          onClose={() => setOpen(null)}
          onSaved={(template) => setLoaded(keyOf(template))}
        />
      )}
      {chosen && (
        <Confirm
          open={open === 'delete'}
          onOpenChange={() => setOpen(null)}
          title={`Delete the template ${chosen.name}?`}
          action="Delete"
          refuse="Keep it"
          danger
          onConfirm={() => remove.mutateAsync(chosen)}
        >
          Batches made from it stay as they are.
        </Confirm>
      )}
    </>
  )
}

interface SaveTemplateProps {
  batch: NewBatch
  old: BatchTemplate | undefined
  onClose: () => void
  onSaved: (template: BatchTemplate) => void
}

function SaveTemplate({ batch, old, onClose, onSaved }: SaveTemplateProps) {
  const client = useQueryClient()
  const [name, setName] = useState(old?.name ?? '')
  const [description, setDescription] = useState(old?.description ?? '')
  const [shared, setShared] = useState(old?.shared ?? false)
  const save = useMutation({
    mutationFn: () =>
      api.batchTemplates.put({ name, description: description || null, shared, body: batch.body ?? {} }),
    onSuccess: async (template) => {
      await client.invalidateQueries({ queryKey: templatesKey })
      toast('success', `Template ${template.name} saved`)
      onSaved(template)
      onClose()
    },
  })
  const problem = save.error ? problemOf(save.error) : null
  const nameError = problem?.fields.find(({ field }) => field === 'name')?.message
  return (
    <Dialog open onOpenChange={onClose} title="Save as template">
      {/* Its own form, but not inside the page's: the dialog stands elsewhere in the document. */}
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          // React passes events on to the page's form, which would submit the batch.
          event.stopPropagation()
          save.mutate()
        }}
      >
        {problem && !nameError && (
          <Alert>{[problem.message, ...problem.fields.map((f) => `${f.field}: ${f.message}`)].join(' ')}</Alert>
        )}
        <Field label="Name" error={nameError} hint="An existing one of yours is replaced">
          {(binding) => (
            <Input
              {...binding}
              autoFocus
              placeholder="nightly-ui"
              value={name}
              onChange={(e) => setName(e.target.value)}
            />
          )}
        </Field>
        <Field label="Description" optional>
          {(binding) => <Input {...binding} value={description} onChange={(e) => setDescription(e.target.value)} />}
        </Field>
        <label className="flex items-center gap-2">
          <Checkbox checked={shared} onChange={(e) => setShared(e.target.checked)} />
          Everybody may use it
        </label>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Not now</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
