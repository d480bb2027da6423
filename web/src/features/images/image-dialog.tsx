import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, Input, Select } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { ChoiceField } from '../../components/value-fields.tsx'
import { api, type Image } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { Fold } from '../jobs/submit/fold.tsx'
import { errorsOf, formOf, inputOf, type ImageForm } from './image-form.ts'
import { languageLabels, languages, pullLabels } from './words.ts'

/** Makes an entry of the catalogue (`image` is null) or changes one. */
export default function ImageDialog({ image, onClose }: { image: Image | null; onClose: () => void }) {
  const [form, setForm] = useState(() => formOf(image))
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => api.images.put(inputOf(form, image)),
    onSuccess: ({ name }) => {
      toast('success', `Image ${name} is ${image ? 'changed' : 'added'}`)
      void client.invalidateQueries({ queryKey: ['images'] })
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errors = errorsOf(problem?.fields ?? [])
  const change = (some: Partial<ImageForm>) => setForm({ ...form, ...some })
  const part = { form, errors, change }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={image ? `Image ${image.name}` : 'Add an image'}
      className="sm:mt-[6vh] sm:max-h-[88dvh] sm:w-[38rem]"
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!save.isPending) save.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <WhatFields {...part} fixedName={image !== null} />
        <fieldset className="flex flex-col gap-1.5">
          <legend className="mb-1 text-sm font-medium">For scripts of events in</legend>
          <div className="flex flex-wrap gap-x-5 gap-y-2">
            {languages.map((language) => (
              <label key={language} className="flex items-center gap-2 text-sm">
                <Checkbox
                  checked={form.languages.includes(language)}
                  onChange={(event) =>
                    change({
                      languages: languages.filter((one) =>
                        one === language ? event.target.checked : form.languages.includes(one),
                      ),
                    })
                  }
                />
                {languageLabels[language]}
              </label>
            ))}
          </div>
          {errors.languages && <p className="text-sm text-failed">{errors.languages}</p>}
          <p className="text-xs text-muted">Those that name no image run in this one.</p>
        </fieldset>
        <RegistryFields {...part} stored={formOf(image).sign === 'password'} />
        <UseFields {...part} />
        <DialogFooter>
          <Button onClick={onClose}>{image ? 'Leave as it is' : 'Discard'}</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? 'Saving…' : image ? 'Save' : 'Add'}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  )
}

interface Part {
  form: ImageForm
  errors: Partial<Record<keyof ImageForm, string>>
  change: (some: Partial<ImageForm>) => void
}

function WhatFields({ form, errors, change, fixedName }: Part & { fixedName: boolean }) {
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name" hint={fixedName ? undefined : 'As jobs name it, e.g. python'} error={errors.name}>
          {(binding) => (
            <Input
              {...binding}
              readOnly={fixedName}
              autoComplete="off"
              autoCapitalize="none"
              value={form.name}
              onChange={(event) => change({ name: event.target.value })}
            />
          )}
        </Field>
        <Field label="Description" optional error={errors.description}>
          {(binding) => (
            <Input
              {...binding}
              value={form.description}
              onChange={(event) => change({ description: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field
        label="Reference"
        hint="A tag may mean another image tomorrow; with @sha256:… it cannot, and “Pin” adds that"
        error={errors.reference}
      >
        {(binding) => (
          <Input
            {...binding}
            className="font-mono"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="docker.io/library/python:3.12-slim"
            value={form.reference}
            onChange={(event) => change({ reference: event.target.value })}
          />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceField
          label="Pulled"
          options={pullLabels}
          error={errors.pull}
          value={form.pull}
          onChange={(pull) => change({ pull })}
        />
        <Field label="Warm, at least" hint="Each runner keeps so many ready" error={errors.least}>
          {(binding) => (
            <Input
              {...binding}
              inputMode="numeric"
              value={form.least}
              onChange={(event) => change({ least: event.target.value })}
            />
          )}
        </Field>
        <Field label="Warm, at most" hint="When there is demand" error={errors.most}>
          {(binding) => (
            <Input
              {...binding}
              inputMode="numeric"
              value={form.most}
              onChange={(event) => change({ most: event.target.value })}
            />
          )}
        </Field>
      </div>
    </>
  )
}

const signs = { none: 'Without signing in', password: 'With a password', secret: 'With a stored secret' } as const

/** Browsers shall not offer the password of the dashboard here, nor store this one. */
const secret = { type: 'password', autoComplete: 'new-password', 'data-1p-ignore': true, spellCheck: false } as const

function RegistryFields({ form, errors, change, stored }: Part & { stored: boolean }) {
  return (
    <Fold
      title={form.sign === 'none' ? 'Registry: without signing in' : `Registry: as ${form.username || '…'}`}
      open={Boolean(errors.username || errors.password || errors.password_secret)}
    >
      <div className="grid gap-4 sm:grid-cols-3">
        <ChoiceField label="Pulled" options={signs} value={form.sign} onChange={(sign) => change({ sign })} />
        {form.sign !== 'none' && (
          <Field label="User" error={errors.username}>
            {(binding) => (
              <Input
                {...binding}
                autoComplete="off"
                value={form.username}
                onChange={(event) => change({ username: event.target.value })}
              />
            )}
          </Field>
        )}
        {form.sign === 'password' && (
          <Field
            label="Password"
            hint={stored ? 'Empty: the stored one stays' : 'Stored sealed, never shown'}
            error={errors.password}
          >
            {(binding) => (
              <Input
                {...binding}
                {...secret}
                placeholder={stored ? '••••••••' : undefined}
                value={form.password}
                onChange={(event) => change({ password: event.target.value })}
              />
            )}
          </Field>
        )}
        {form.sign === 'secret' && (
          <Field label="Secret" hint="Name of a global one" error={errors.password_secret}>
            {(binding) => (
              <Input
                {...binding}
                className="font-mono"
                autoComplete="off"
                placeholder="registry_token"
                value={form.password_secret}
                onChange={(event) => change({ password_secret: event.target.value })}
              />
            )}
          </Field>
        )}
      </div>
    </Fold>
  )
}

function UseFields({ form, errors, change }: Part) {
  return (
    <div className="grid items-start gap-4 sm:grid-cols-2">
      <Field label="Open to" error={errors.open_to}>
        {(binding) => (
          <Select
            {...binding}
            value={form.open_to}
            onChange={(event) => change({ open_to: event.target.value as ImageForm['open_to'] })}
          >
            <option value="operators">Operators and administrators</option>
            <option value="admins">Administrators only</option>
          </Select>
        )}
      </Field>
      <label className="flex items-center gap-2 text-sm font-medium sm:mt-7">
        <Checkbox checked={form.enabled} onChange={(event) => change({ enabled: event.target.checked })} />
        Enabled; otherwise jobs that name it are refused
      </label>
    </div>
  )
}
