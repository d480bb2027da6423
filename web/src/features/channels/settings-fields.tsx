import { Checkbox } from '../../components/checkbox.tsx'
import { Field, Input, TextArea } from '../../components/field.tsx'
import { kinds, type ChannelForm } from './channel-form.ts'

interface SettingsFieldsProps {
  form: ChannelForm
  errors: Partial<Record<keyof ChannelForm, string>>
  /** There are stored ones of this kind. */
  stored: boolean
  onChange: (change: Partial<ChannelForm>) => void
}

/** Where to and with what; what is stored is never shown, and stays when nothing is typed. */
export function SettingsFields(props: SettingsFieldsProps) {
  const { stored, form } = props
  return (
    <div className="flex flex-col gap-4">
      {stored && (
        <p className="text-sm text-muted">
          The stored address and credentials are not shown. Leave these fields empty to keep them.
        </p>
      )}
      {form.kind === 'email' ? <MailFields {...props} /> : <AddressFields {...props} />}
    </div>
  )
}

/** Browsers shall not offer the password of the dashboard here, nor store this one. */
const secret = { type: 'password', autoComplete: 'off', 'data-1p-ignore': true, spellCheck: false } as const

function AddressFields({ form, errors, stored, onChange }: SettingsFieldsProps) {
  return (
    <>
      <Field label="Address" hint="It is a secret: whoever has it can post there." error={errors.url}>
        {(binding) => (
          <Input
            {...binding}
            {...secret}
            placeholder={stored ? '••••••••' : kinds[form.kind].address}
            value={form.url}
            onChange={(event) => onChange({ url: event.target.value })}
          />
        )}
      </Field>
      {form.kind === 'webhook' && (
        <>
          <Field
            label="Signing secret"
            optional
            hint={stored ? 'Empty: the stored one' : 'Empty: one is made and shown once'}
            error={errors.secret}
          >
            {(binding) => (
              <Input
                {...binding}
                {...secret}
                placeholder="whsec_…"
                value={form.secret}
                onChange={(event) => onChange({ secret: event.target.value })}
              />
            )}
          </Field>
          <Field label="Headers" optional hint="One a line, e.g. X-Team: ci" error={errors.headers}>
            {(binding) => (
              <TextArea
                {...binding}
                rows={2}
                value={form.headers}
                onChange={(event) => onChange({ headers: event.target.value })}
              />
            )}
          </Field>
        </>
      )}
    </>
  )
}

function MailFields({ form, errors, onChange }: SettingsFieldsProps) {
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-[1fr_6rem]">
        <Field label="Mail server" error={errors.smtp_host}>
          {(binding) => (
            <Input
              {...binding}
              placeholder="mail.example.com"
              value={form.smtp_host}
              onChange={(event) => onChange({ smtp_host: event.target.value })}
            />
          )}
        </Field>
        <Field label="Port" optional>
          {(binding) => (
            <Input
              {...binding}
              inputMode="numeric"
              placeholder={form.smtp_tls ? '465' : '587'}
              value={form.smtp_port}
              onChange={(event) => onChange({ smtp_port: event.target.value })}
            />
          )}
        </Field>
      </div>
      <label className="flex items-center gap-2 text-sm font-medium">
        <Checkbox checked={form.smtp_tls} onChange={(event) => onChange({ smtp_tls: event.target.checked })} />
        TLS from the first byte; else STARTTLS, without which no password is sent
      </label>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="User" optional>
          {(binding) => (
            <Input
              {...binding}
              autoComplete="off"
              value={form.smtp_user}
              onChange={(event) => onChange({ smtp_user: event.target.value })}
            />
          )}
        </Field>
        <Field label="Password" optional>
          {(binding) => (
            <Input
              {...binding}
              {...secret}
              autoComplete="new-password"
              value={form.smtp_password}
              onChange={(event) => onChange({ smtp_password: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field label="From" error={errors.from}>
        {(binding) => (
          <Input
            {...binding}
            type="email"
            placeholder="runyard@example.com"
            value={form.from}
            onChange={(event) => onChange({ from: event.target.value })}
          />
        )}
      </Field>
      <Field label="To" hint="Several with commas" error={errors.to}>
        {(binding) => (
          <TextArea {...binding} rows={2} value={form.to} onChange={(event) => onChange({ to: event.target.value })} />
        )}
      </Field>
    </>
  )
}
