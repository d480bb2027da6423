import { Field, Input, TextArea } from '../../components/field.tsx'
import { Toggle } from '../../components/button.tsx'
import type { HostPart } from './host-dialog.tsx'
import { authLabels, type AuthMethod } from './words.ts'

/** Browsers shall not offer the password of the dashboard here, nor store this one. */
const secret = { type: 'password', autoComplete: 'new-password', 'data-1p-ignore': true, spellCheck: false } as const

/** How a runner signs in there. `stored`: there is a credential of this method; it is never shown. */
export function AuthFields({ form, errors, change, stored }: HostPart & { stored: boolean }) {
  const dots = stored ? '••••••••' : undefined
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1 text-sm font-medium">Signs in with</legend>
      <div className="flex flex-wrap gap-1">
        {(Object.keys(authLabels) as AuthMethod[]).map((method) => (
          <Toggle key={method} pressed={form.method === method} onClick={() => change({ method })}>
            {authLabels[method]}
          </Toggle>
        ))}
      </div>
      {form.method === 'key' && (
        <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_12rem]">
          <Field
            label="Private key"
            hint={
              stored ? 'Empty: the stored one stays' : 'The whole file, as ~/.ssh has it; stored sealed, never shown'
            }
            error={errors.private_key}
          >
            {(binding) => (
              <TextArea
                {...binding}
                rows={3}
                className="font-mono text-xs [-webkit-text-security:disc]"
                autoComplete="off"
                placeholder={stored ? dots : '-----BEGIN OPENSSH PRIVATE KEY-----'}
                value={form.private_key}
                onChange={(event) => change({ private_key: event.target.value })}
              />
            )}
          </Field>
          <Field label="Passphrase" optional error={errors.passphrase}>
            {(binding) => (
              <Input
                {...binding}
                {...secret}
                value={form.passphrase}
                onChange={(event) => change({ passphrase: event.target.value })}
              />
            )}
          </Field>
        </div>
      )}
      {form.method === 'password' && (
        <Field
          label="Password"
          hint={stored ? 'Empty: the stored one stays' : 'Stored sealed, never shown'}
          error={errors.password}
          className="sm:max-w-72"
        >
          {(binding) => (
            <Input
              {...binding}
              {...secret}
              placeholder={dots}
              value={form.password}
              onChange={(event) => change({ password: event.target.value })}
            />
          )}
        </Field>
      )}
      {form.method === 'agent' && (
        <p className="text-sm text-muted">
          With the keys of the agent on the runner’s machine (<code className="font-mono">RUNYARD_SSH_AGENT</code>).
          {errors.method && <span className="block text-failed">{errors.method}</span>}
        </p>
      )}
    </fieldset>
  )
}
