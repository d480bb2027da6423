import { Link } from '@tanstack/react-router'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Field, Input } from '../../../components/field.tsx'
import { KeyValues } from '../../../components/key-values.tsx'
import { WritersOnly } from '../../session/writers-only.tsx'
import { useTitle } from '../../../lib/use-title.ts'
import { PlaceFields } from '../place/place-fields.tsx'
import { CommandField } from './command-field.tsx'
import { CopyAs } from './copy-as.tsx'
import { LimitFields } from './limit-fields.tsx'
import { InputFields, PlacementFields } from './more-fields.tsx'
import { QueueFields } from './queue-fields.tsx'
import { useSubmit } from './use-submit.ts'

export const SubmitPage = () => (
  <WritersOnly title="New job">
    <Submit />
  </WritersOnly>
)

function Submit() {
  useTitle('New job')
  const { form, errors, message, busy, set, submit, element } = useSubmit()
  const part = { form, errors, set }
  return (
    <form
      ref={element}
      onSubmit={(event) => void submit(event)}
      noValidate
      className="mx-auto flex w-full max-w-3xl flex-col gap-4"
    >
      <h1 className="text-xl font-semibold">New job</h1>
      {message && <Alert>{message}</Alert>}
      <Card title="What to run">
        <CommandField {...part} />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" optional error={errors['name']} hint="Shown in lists; the command when empty">
            {(binding) => <Input {...binding} value={form.name} onChange={(e) => set({ name: e.target.value })} />}
          </Field>
          <Field
            label="Working directory"
            optional
            error={errors['working_dir']}
            hint="A private, empty one when left out"
          >
            {(binding) => (
              <Input
                {...binding}
                className="font-mono"
                value={form.working_dir}
                onChange={(e) => set({ working_dir: e.target.value })}
              />
            )}
          </Field>
        </div>
      </Card>
      <Card title="Where it runs">
        <PlaceFields
          place={form.place}
          onChange={(change) => set({ place: { ...form.place, ...change } })}
          errorOf={(field) => errors[field]}
        />
      </Card>
      <Card title="Environment">
        <KeyValues
          legend="Variables"
          rows={form.env}
          onChange={(env) => set({ env })}
          error={errors['env']}
          hint="Lines of NAME=value can be pasted"
        />
        <KeyValues
          legend="Secrets"
          secret
          rows={form.secret_env}
          onChange={(secret_env) => set({ secret_env })}
          error={errors['secret_env']}
          hint="Stored encrypted, masked in the log, never shown again"
        />
      </Card>
      <Card title="When, and how often">
        <QueueFields {...part} />
      </Card>
      <LimitFields {...part} />
      <PlacementFields {...part} />
      <InputFields {...part} />
      <CopyAs form={form} />
      <div className="sticky bottom-0 -mx-1 flex items-center justify-end gap-2 border-t border-line bg-page px-1 py-3">
        <Link to="/jobs" className={buttonLook()}>
          Back to the list
        </Link>
        <Button kind="primary" type="submit" busy={busy}>
          {busy ? 'Submitting…' : 'Submit job'}
        </Button>
      </div>
    </form>
  )
}
